"""A published model folder as other libraries know it: the same weights as a BERT checkpoint of transformers."""

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from training.ease import NAMES
from training.encoder import HEADS, Encoder, Layer, Model, Shape

Held = dict[str, NDArray[np.generic]]


def read_back(path: Path) -> Model:
    """The network of a graph that `training.graph.build` wrote; weights kept as int8 are what they stand for.

    Raises ValueError for any other graph.
    """
    held: Held = {constant.name: numpy_helper.to_array(constant) for constant in onnx.load(path).graph.initializer}
    if "split heads" not in held:
        raise ValueError(f"{path} was not written by this version of scripts/train_model.py")
    words = held["word"] * held.get("word scale", np.float32(1))
    numbers = [number for number in range(len(held)) if f"layers.{number}.norm.weight" in held]
    inner = held["layers.0.grow.0.weight"].shape[1]
    heads = int(held["split heads"][2])
    shape = Shape(*words.shape, inner, len(numbers), heads, len(held["position"]))
    model = Model(Encoder(shape, dropout=0.0)).eval()
    encoder = model.encoder
    with torch.no_grad():
        for table, values in (("word", words), ("position", held["position"]), ("segment", held["segment"])):
            getattr(encoder, table).weight.copy_(torch.from_numpy(np.array(values)))
        _fill(encoder.norm, held, "norm")
        for number, layer in zip(numbers, encoder.layers, strict=True):
            _fill_layer(layer, held, f"layers.{number}")
        for name in HEADS:
            _fill(model.heads[name], held, name)
    return model


def _fill_layer(layer: Layer, held: Held, name: str) -> None:
    for norm in ("mix_norm", "norm"):
        _fill(getattr(layer, norm), held, f"{name}.{norm}")
    for product in NAMES:
        linear, place = getattr(layer, product), f"{name}.{product}"
        parts = [f"{place}.{part}" for part in range(3) if f"{place}.{part}.weight" in held]
        weights = [held[f"{part}.weight"] * held.get(f"{part}.scales", np.float32(1)) for part in parts]
        weight = np.concatenate(weights, axis=1).T * held.get(f"{place}.ease", np.float32(1))
        linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        linear.bias.copy_(torch.from_numpy(np.concatenate([held[f"{part}.bias"] for part in parts])))


def _fill(module: torch.nn.Module, held: Held, name: str) -> None:
    """A module's weight and bias as they are."""
    for part in ("weight", "bias"):
        getattr(module, part).copy_(torch.from_numpy(np.array(held[f"{name}.{part}"])))


def to_bert(model: Model, tokenizer: Path, longest: int, folder: Path) -> None:
    """Write a checkpoint that transformers opens: our encoder and a fresh classifier of three labels.

    Ours pools and judges in a way of its own, so the classifier's answers mean nothing; what it costs is the same.
    """
    shape = model.encoder.shape
    config = BertConfig(
        vocab_size=shape.words, hidden_size=shape.width, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, max_position_embeddings=shape.positions,
        type_vocab_size=model.encoder.segment.num_embeddings, id2label=dict(enumerate(HEADS["polarity"])),
    )  # fmt: skip
    theirs = BertForSequenceClassification(config).eval()
    missing, unexpected = theirs.load_state_dict(_renamed(model), strict=False)
    strange = [name for name in missing if not name.startswith(("bert.pooler.", "classifier."))]
    if strange or unexpected:
        raise ValueError(f"a checkpoint of this kind has other parts: {[*strange, *unexpected]}")
    theirs.save_pretrained(folder)
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "pad", "cls", "sep")}
    fast = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer), model_max_length=longest,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"], **special,
    )  # fmt: skip
    fast.save_pretrained(folder)


def _renamed(model: Model) -> dict[str, torch.Tensor]:
    """Our encoder's weights under BERT's names."""
    encoder = model.encoder
    renamed = {
        "bert.embeddings.word_embeddings.weight": encoder.word.weight,
        "bert.embeddings.position_embeddings.weight": encoder.position.weight,
        "bert.embeddings.token_type_embeddings.weight": encoder.segment.weight,
    }
    for part in ("weight", "bias"):
        renamed[f"bert.embeddings.LayerNorm.{part}"] = getattr(encoder.norm, part)
        for number, layer in enumerate(encoder.layers):
            theirs = f"bert.encoder.layer.{number}"
            pieces = getattr(layer.mix, part).chunk(3)
            for name, piece in zip(("query", "key", "value"), pieces, strict=True):
                renamed[f"{theirs}.attention.self.{name}.{part}"] = piece
            renamed[f"{theirs}.attention.output.dense.{part}"] = getattr(layer.mixed, part)
            renamed[f"{theirs}.attention.output.LayerNorm.{part}"] = getattr(layer.mix_norm, part)
            renamed[f"{theirs}.intermediate.dense.{part}"] = getattr(layer.grow, part)
            renamed[f"{theirs}.output.dense.{part}"] = getattr(layer.shrink, part)
            renamed[f"{theirs}.output.LayerNorm.{part}"] = getattr(layer.norm, part)
    return {name: values.detach() for name, values in renamed.items()}
