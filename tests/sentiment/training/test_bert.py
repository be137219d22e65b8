"""The same weights as a transformers checkpoint: what the speed of serving is compared on."""

from pathlib import Path

import onnx
import pytest
import torch
from tokenizers import Tokenizer
from training.batches import pad
from training.bert import read_back, to_bert
from training.ease import ease
from training.encoder import Model
from training.graph import build
from training.still import ranges
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 2, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0]), ([2, 8, 4, 3], [0, 0, 0, 0])]


@pytest.mark.parametrize(("small", "off"), [(False, 1e-5), (True, 0.05)])
def test_a_graph_read_back_is_the_network(model: Model, tmp_path: Path, small: bool, off: float) -> None:
    model.eval()
    with torch.no_grad():
        expected = model(*pad(TOKENS))
    if small:
        ease(model, TOKENS, 0.8)
    onnx.save(build(model, ranges(model, TOKENS) if small else None, 20), tmp_path / "model.onnx")
    again = read_back(tmp_path / "model.onnx")
    assert again.encoder.shape == model.encoder.shape._replace(positions=20)
    with torch.no_grad():
        found = again(*pad(TOKENS))
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=off)


def test_a_graph_from_elsewhere_is_refused(model: Model, tmp_path: Path) -> None:
    built = build(model, None, 20)
    kept = [constant for constant in built.graph.initializer if constant.name != "split heads"]
    del built.graph.initializer[:]
    built.graph.initializer.extend(kept)
    onnx.save(built, tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="was not written by this version"):
        read_back(tmp_path / "model.onnx")


def test_the_checkpoint_thinks_as_the_encoder_does(model: Model, tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    to_bert(model.eval(), tmp_path / "tokenizer.json", 20, tmp_path / "bert")
    theirs = AutoModelForSequenceClassification.from_pretrained(tmp_path / "bert").eval()
    ids, mask, segments = pad(TOKENS)
    with torch.no_grad():
        ours = model.encoder(ids, mask, segments)
        found = theirs.bert(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
    for row, (tokens, _) in enumerate(TOKENS):
        assert found[row, : len(tokens)] == pytest.approx(ours[row, : len(tokens)], abs=1e-4)
    read = AutoTokenizer.from_pretrained(tmp_path / "bert")
    assert read("the flight", "delta")["token_type_ids"] == [0, 0, 0, 0, 1, 1]
