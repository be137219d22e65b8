"""The written-out encoder against transformers, the cache against the network, a stage that stops and goes on."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from training.batches import batches_of, pad
from training.cache import LowerCache
from training.encoder import Encoder, Model, Shape, load_backbone
from training.fit import fit, rate_at, upper_stage
from training.recipe import Recipe
from training.rows import Row
from transformers import BertConfig, BertModel

SHAPE = Shape(words=30, width=16, inner=32, layers=2, heads=2, positions=24)
TOKENS = [([2, 5, 6, 3, 7, 3], [0, 0, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0]), ([2, 5, 8, 9, 3], [0] * 5)] * 4
ROWS = [
    Row("", "x", "en", 2, frozenset((1, 2)), ""),
    Row("", None, "en", 0, None, ""),
    Row("", None, "en", 1, None, ""),
] * 4


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return Model(Encoder(SHAPE, split=1, dropout=0.0)).eval()


def test_the_same_numbers_as_transformers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30, hidden_size=24, num_hidden_layers=6, num_attention_heads=12, intermediate_size=32,
        max_position_embeddings=24,
    )  # fmt: skip
    theirs = BertModel(config).eval()
    theirs.save_pretrained(tmp_path)
    ours = load_backbone(tmp_path, shape=Shape(words=30, width=24, inner=32, positions=24)).eval()
    ids, mask, segments = pad(TOKENS[:3])
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        found = ours(ids, mask, segments)
    assert torch.allclose(found[mask.bool()], expected[mask.bool()], atol=1e-5)


def test_padding_changes_nothing(model: Model) -> None:
    with torch.no_grad():
        together = model(*pad(TOKENS[:3]))
        alone = [model(*pad([row])) for row in TOKENS[:3]]
    for head in (0, 1):
        assert torch.allclose(together[head], torch.cat([one[head] for one in alone]), atol=1e-5)


def test_the_cache_holds_what_the_lower_layers_give(model: Model, tmp_path: Path) -> None:
    cache = LowerCache(tmp_path / "lower", TOKENS, SHAPE.width, "key")
    cache.fill(model.encoder, lambda *_: None, batch=5)
    hidden, mask, segments = cache.get([2, 0])
    ids, expected_mask, expected_segments = pad([TOKENS[2], TOKENS[0]])
    with torch.no_grad():
        expected = model.encoder.lower(ids, mask, segments)
    assert torch.equal(mask, expected_mask)
    assert torch.equal(segments, expected_segments)
    assert torch.allclose(hidden[mask.bool()], expected[mask.bool()], atol=0.05)  # kept in bfloat16
    assert hidden[~mask.bool()].abs().sum() == 0


def test_a_finished_cache_is_used_again_and_another_key_is_not(model: Model, tmp_path: Path) -> None:
    LowerCache(tmp_path / "lower", TOKENS, SHAPE.width, "key").fill(model.encoder, lambda *_: None)
    again = LowerCache(tmp_path / "lower", TOKENS, SHAPE.width, "key")
    assert again.complete
    assert again.table.abs().sum() > 0
    assert not LowerCache(tmp_path / "lower", TOKENS, SHAPE.width, "other").complete


def train(model: Model, folder: Path, **changes: object) -> list[float]:
    recipe = replace(Recipe(), split=1, batch=4, upper_epochs=30, upper_rate=5e-3, **changes)
    cache = LowerCache(folder / "lower", TOKENS, SHAPE.width, "key")
    cache.fill(model.encoder, lambda *_: None)
    losses: list[float] = []
    fit(
        model, upper_stage(model, recipe), ROWS, TOKENS, cache, recipe, folder / "upper.pt",
        lambda _stage, _done, loss, _speed: losses.append(loss),
    )  # fmt: skip
    return losses


def test_a_stage_learns_and_leaves_the_lower_layers_alone(model: Model, tmp_path: Path) -> None:
    lower = model.encoder.layers[0].mix.weight.clone()
    words = model.encoder.word.weight.clone()
    train(model, tmp_path)
    with torch.no_grad():
        polarity, stance = model(*pad(TOKENS[:3]))
    assert polarity.argmax(1).tolist() == [2, 0, 1]
    assert stance[0].softmax(0)[3:].sum() > 0.9
    assert torch.equal(model.encoder.layers[0].mix.weight, lower)
    assert torch.equal(model.encoder.word.weight, words)


def test_a_finished_stage_is_only_loaded(model: Model, tmp_path: Path) -> None:
    train(model, tmp_path)
    torch.manual_seed(5)
    other = Model(Encoder(SHAPE, split=1)).eval()
    assert train(other, tmp_path) == []
    assert torch.equal(other.stance.weight, model.stance.weight)


def test_an_interrupted_stage_goes_on(model: Model, tmp_path: Path) -> None:
    train(model, tmp_path)
    kept = torch.load(tmp_path / "upper.pt", weights_only=True)
    assert kept["finished"]
    assert kept["step"] == 30 * 3
    recipe = replace(Recipe(), split=1)
    optimiser = torch.optim.AdamW(upper_stage(model, recipe).groups)
    torch.save({**kept, "finished": False, "step": 80, "optimiser": optimiser.state_dict()}, tmp_path / "upper.pt")
    assert len(train(model, tmp_path)) == 1
    assert torch.load(tmp_path / "upper.pt", weights_only=True)["step"] == 90


def test_time_ends_a_stage(model: Model, tmp_path: Path) -> None:
    train(model, tmp_path, upper_minutes=0.0)
    kept = torch.load(tmp_path / "upper.pt", weights_only=True)
    assert kept["finished"]
    assert kept["step"] == 0


def test_the_rate_rises_and_falls() -> None:
    assert rate_at(0, 0.1) == 0
    assert rate_at(0.1, 0.1) == pytest.approx(1)
    assert rate_at(0.55, 0.1) == pytest.approx(0.5)
    assert rate_at(1, 0.1) == 0


def test_every_row_is_in_one_batch() -> None:
    batches = batches_of([number % 7 for number in range(50)], 8, random.Random(0))
    assert sorted(place for batch in batches for place in batch) == list(range(50))
    assert max(map(len, batches)) == 8
