"""A trained network as a model folder that serves."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from training.batches import pad
from training.encoder import HEADS, Model
from training.export import UNCHOSEN, compact, to_int8, to_onnx, write_manifest

from sentiment.manifest import Manifest
from sentiment.scorer import Scorer, Text

TOKENS = [
    ([2, 5, 6, 3, 7, 3], [0, 2, 0, 0, 1, 1]),
    ([2, 9, 3], [0, 0, 0]),
    ([2, 5, 8, 9, 11, 12, 13, 3], [0] * 8),
    ([2, 21, 28, 3, 29, 14, 3], [0, 0, 0, 0, 1, 1, 1]),
]


Answers = dict[str, np.ndarray]


def answers(path: Path, rows: list[tuple[list[int], list[int]]]) -> Answers:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    named = zip(session.get_inputs(), pad(rows), strict=True)
    fed = {given.name: part.numpy().astype(np.int32) for given, part in named}
    return dict(zip(HEADS, session.run(list(HEADS), fed), strict=True))


@pytest.fixture
def sure(model: Model) -> tuple[Model, Answers]:
    """A network with something to say, and what it says."""
    for head in model.eval().heads.values():
        torch.nn.init.normal_(head.weight)
    with torch.no_grad():
        return model, {name: one.numpy() for name, one in zip(HEADS, model(*pad(TOKENS)), strict=True)}


def test_onnx_says_the_same_whatever_the_batch(sure: tuple[Model, Answers], tmp_path: Path) -> None:
    model, expected = sure
    to_onnx(model, tmp_path / "model.onnx", 24)
    together = answers(tmp_path / "model.onnx", TOKENS)
    alone = [answers(tmp_path / "model.onnx", [row]) for row in TOKENS]
    for name, logits in expected.items():
        assert together[name] == pytest.approx(logits, abs=1e-4)
        assert np.concatenate([one[name] for one in alone]) == pytest.approx(logits, abs=1e-4)


def test_int8_says_nearly_the_same_and_the_same_in_any_company(sure: tuple[Model, Answers], tmp_path: Path) -> None:
    model, expected = sure
    to_int8(model, tmp_path / "model.onnx", 24, TOKENS)
    together = answers(tmp_path / "model.onnx", TOKENS)
    alone = [answers(tmp_path / "model.onnx", [row]) for row in TOKENS]
    for name, logits in expected.items():
        assert together[name] == pytest.approx(logits, abs=0.25)
        assert not np.allclose(together[name], logits, atol=1e-5)
        assert np.concatenate([one[name] for one in alone]) == pytest.approx(together[name], abs=1e-4)


def test_the_tokenizer_is_kept_without_padding_and_white_space(tokenizer: Tokenizer) -> None:
    tokenizer.enable_truncation(5)
    small = compact(tokenizer)
    assert json.loads(small)["padding"] is None
    assert json.loads(small)["truncation"] is None
    assert "\n" not in small
    assert Tokenizer.from_str(small).encode("the late dog and the flight").tokens[1:3] == ["the", "late"]


def test_the_revision_tells_every_change(tmp_path: Path) -> None:
    def revision(weights: bytes = b"w", longest: int = 64) -> str:
        (tmp_path / "model.onnx").write_bytes(weights)
        (tmp_path / "tokenizer.json").write_text("{}")
        write_manifest(tmp_path, "tiny", longest, UNCHOSEN)
        return Manifest.read(tmp_path).revision

    assert revision() == revision()
    assert len({revision(), revision(b"v"), revision(longest=65)}) == 3


def test_a_training_ends_in_a_model_that_serves(trained: Path, train: Callable[..., int], tmp_path: Path) -> None:
    out = tmp_path / "escucha-tiny"
    assert train(trained, "--out", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "model.json", "model.onnx", "tokenizer.json"]
    found, plain = Scorer.open(out, threads=1).score([Text("acme flight was great", "acme"), Text("the dog")])
    assert found.model == "escucha-tiny"
    assert found.label in ("promoter", "passive", "detractor")
    assert found.stance is not None
    assert sum(found.stance.values()) == pytest.approx(1, abs=1e-5)
    assert plain.stance is None
    for name in ("emotions", "irony", "offensive", "complaint", "relevance"):
        assert getattr(found, name) is not None
    manifest = Manifest.read(out)
    assert manifest.mentions
    assert set(manifest.heads) == set(HEADS)
    assert {len(head.bias) for head in manifest.heads.values()} == {3, 5, 11, 1}
    assert 0 < manifest.unsure.stance < 1
    card = (out / "README.md").read_text(encoding="utf-8")
    assert manifest.revision in card
    assert "$" not in card
    figures = json.loads((trained / "figures.json").read_text())
    assert {"polarity/umsab_es", "stance/mams", "emotion/emoevent_en", "rating/hotels_es"} <= set(figures["dev"])
    assert any(file.startswith("contrast/") for file in figures["dev"])
    assert figures["agreement"]["rows"] > 300
