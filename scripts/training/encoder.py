"""The network: the MiniLM encoder, split where its frozen part ends, and one linear head per question.

Written out rather than taken from transformers so that the lower layers can run alone (their outputs are cached) and
the export holds nothing but what serving needs. Weights load from and map one to one onto a BERT checkpoint.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

POLARITY = ("negative", "neutral", "positive")
STANCE = ("-2", "-1", "0", "1", "2")


class Shape(NamedTuple):
    """Sizes of the encoder; the defaults are those of all-MiniLM-L6-v2."""

    words: int = 30_522
    width: int = 384
    inner: int = 1536
    layers: int = 6
    heads: int = 12
    positions: int = 512


class Layer(nn.Module):
    """One transformer layer, post-norm as in BERT."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = shape.heads, dropout
        self.mix = nn.Linear(shape.width, 3 * shape.width)  # query, key and value in one product
        self.mixed = nn.Linear(shape.width, shape.width)
        self.mix_norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.grow = nn.Linear(shape.width, shape.inner)
        self.shrink = nn.Linear(shape.inner, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """`hidden` (rows, length, width) and an additive mask `bias` (rows, 1, 1, length) to the next hidden."""
        rows, length, width = hidden.shape
        mixed = self.mix(hidden).view(rows, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        drop = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(mixed[0], mixed[1], mixed[2], attn_mask=bias, dropout_p=drop)
        seen = self.mixed(seen.transpose(1, 2).reshape(rows, length, width))
        hidden = self.mix_norm(hidden + functional.dropout(seen, self.dropout, self.training))
        grown = self.shrink(functional.gelu(self.grow(hidden)))
        return self.norm(hidden + functional.dropout(grown, self.dropout, self.training))


class Encoder(nn.Module):
    """Embeddings and layers; `lower` is what training freezes, `upper` what it moves."""

    def __init__(self, shape: Shape, *, split: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape, self.split = shape, split
        self.word = nn.Embedding(shape.words, shape.width)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.segment = nn.Embedding(2, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))

    def lower(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        """Embeddings and the layers below the split."""
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.norm(self.word(ids) + self.position(places) + self.segment(segments))
        bias = attention_bias(mask, hidden.dtype)
        for layer in self.layers[: self.split]:
            hidden = layer(hidden, bias)
        return hidden

    def upper(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """The layers from the split on."""
        bias = attention_bias(mask, hidden.dtype)
        for layer in self.layers[self.split :]:
            hidden = layer(hidden, bias)
        return hidden

    def forward(self, ids: Tensor, mask: Tensor, segments: Tensor) -> Tensor:
        """Token ids, mask and segments (rows, length) to the last hidden states."""
        return self.upper(self.lower(ids, mask, segments), mask)


class Model(nn.Module):
    """Encoder and heads. Polarity reads the text's tokens alone; stance reads them beside the target's."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        width = encoder.shape.width
        self.encoder = encoder
        self.polarity = nn.Linear(width, len(POLARITY))
        self.stance = nn.Linear(2 * width, len(STANCE))
        nn.init.zeros_(self.polarity.bias)
        nn.init.zeros_(self.stance.bias)

    def judge(self, hidden: Tensor, mask: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        """Last hidden states to logits: polarity (rows, 3) and stance (rows, 5)."""
        second = segments.to(hidden.dtype).unsqueeze(-1)
        first = mask.to(hidden.dtype).unsqueeze(-1) - second
        text = (hidden * first).sum(1) / first.sum(1).clamp(min=1)
        target = (hidden * second).sum(1) / second.sum(1).clamp(min=1)
        return self.polarity(text), self.stance(torch.cat((text, target), dim=-1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor]:
        """What is exported: ids, mask, segments (rows, length) to the logits of both heads."""
        hidden = self.encoder(input_ids, attention_mask, token_type_ids)
        return self.judge(hidden, attention_mask, token_type_ids)


def attention_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a token stands and a large negative number where padding does, shaped for attention."""
    return ((1.0 - mask[:, None, None, :].to(dtype)) * -1e4).to(dtype)


def sentence_vectors(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean-pooled, unit-length sentence vectors, as the backbone was trained to give them."""
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    return functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


def load_backbone(folder: Path, *, split: int = 3, shape: Shape | None = None) -> Encoder:
    """The encoder with the weights of a BERT checkpoint (`model.safetensors` in `folder`)."""
    given = load_file(folder / "model.safetensors")
    encoder = Encoder(shape or Shape(), split=split)
    state: dict[str, Tensor] = {}
    for ours, theirs in {
        "word": "word_embeddings",
        "position": "position_embeddings",
        "segment": "token_type_embeddings",
    }.items():
        state[f"{ours}.weight"] = given[f"embeddings.{theirs}.weight"]
    for part in ("weight", "bias"):
        state[f"norm.{part}"] = given[f"embeddings.LayerNorm.{part}"]
        for number in range(encoder.shape.layers):
            theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
            query, key, value = (given[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value"))
            state[f"{ours}.mix.{part}"] = torch.cat((query, key, value))
            state[f"{ours}.mixed.{part}"] = given[f"{theirs}.attention.output.dense.{part}"]
            state[f"{ours}.mix_norm.{part}"] = given[f"{theirs}.attention.output.LayerNorm.{part}"]
            state[f"{ours}.grow.{part}"] = given[f"{theirs}.intermediate.dense.{part}"]
            state[f"{ours}.shrink.{part}"] = given[f"{theirs}.output.dense.{part}"]
            state[f"{ours}.norm.{part}"] = given[f"{theirs}.output.LayerNorm.{part}"]
    encoder.load_state_dict(state)
    return encoder
