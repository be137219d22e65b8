"""What the lower layers gave, kept in a file, against the layers themselves."""

from pathlib import Path

import torch
from training.batches import pad
from training.cache import LowerCache
from training.encoder import Model

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 0, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0]), ([2, 5, 8, 9, 3], [0] * 5)] * 4


def cache(folder: Path, key: str = "key") -> LowerCache:
    return LowerCache(folder / "lower", TOKENS, 16, key)


def test_the_cache_holds_what_the_lower_layers_give(model: Model, tmp_path: Path) -> None:
    kept, told = cache(tmp_path), []
    kept.fill(model.encoder, lambda *progress: told.append(progress), batch=5)
    hidden = kept.get([2, 0])
    ids, mask, segments = pad([TOKENS[2], TOKENS[0]])
    with torch.no_grad():
        expected = model.encoder.lower(ids, mask, segments)
    assert torch.allclose(hidden[mask.bool()], expected[mask.bool()], atol=0.05)  # kept in bfloat16
    assert hidden[~mask.bool()].abs().sum() == 0
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_a_finished_cache_is_used_again(model: Model, tmp_path: Path) -> None:
    first = cache(tmp_path)
    assert not first.complete
    first.fill(model.encoder, lambda *_: None)
    with torch.no_grad():
        model.encoder.word.weight.zero_()
    again = cache(tmp_path)
    assert again.complete
    again.fill(model.encoder, lambda *_: None)
    assert torch.equal(again.get([0, 1]), first.get([0, 1]))
    assert again.get([0]).abs().sum() > 0


def test_another_key_makes_it_anew(model: Model, tmp_path: Path) -> None:
    cache(tmp_path).fill(model.encoder, lambda *_: None)
    assert not cache(tmp_path, "other").complete
    assert not cache(tmp_path).complete  # what the other one will write is no longer the first one's
