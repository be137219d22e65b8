"""The network: the MiniLM encoder, split where its frozen part ends, and one linear head per question.

Written out rather than taken from transformers so that the lower layers can run alone (their outputs are cached) and
the export holds nothing but what serving needs. Weights load from and map one to one onto a BERT checkpoint.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

POLARITY = ("negative", "neutral", "positive")
STANCE = ("-2", "-1", "0", "1", "2")
EMOTIONS = (
    "anger", "anticipation", "disgust", "fear", "joy", "love", "optimism", "pessimism", "sadness", "surprise", "trust",
)  # fmt: skip
HEADS = {
    "polarity": POLARITY,
    "stance": STANCE,
    "emotions": EMOTIONS,
    "irony": ("irony",),
    "offensive": ("offensive",),
    "complaint": ("complaint",),
    "relevance": ("relevance",),
}
"""The questions, and what each one's outputs are called. One of the first two's is true, any number of the others'."""
ABOUT_TARGET = ("stance", "relevance")
SEGMENTS = 3
"""The text's, the target's, and the text's where the target stands."""


class Shape(NamedTuple):
    """Sizes of the encoder."""

    words: int
    width: int
    inner: int
    layers: int
    heads: int
    positions: int


_SIZES = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "max_position_embeddings",
)  # fmt: skip
"""What the configuration of a BERT checkpoint calls them."""


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
        # Written out: on a CPU the fused product's way back takes longer than all else together (docs/decisions/0007).
        likeness = mixed[0] * (width // self.heads) ** -0.5 @ mixed[1].transpose(-1, -2)
        seen = (likeness + bias).softmax(-1) @ mixed[2]
        seen = self.mixed(seen.transpose(1, 2).reshape(rows, length, width))
        hidden = self.mix_norm(hidden + self._thinned(seen))
        grown = self.shrink(functional.gelu(self.grow(hidden)))
        return self.norm(hidden + self._thinned(grown))

    def _thinned(self, values: Tensor) -> Tensor:
        """Dropout, from a table of drawn values: drawing them anew takes a quarter of a step on a CPU."""
        if not self.training or not self.dropout:
            return values
        table = _drawn(self.dropout, values.device, values.dtype)
        many = values.numel()
        if many > len(table):
            return functional.dropout(values, self.dropout, training=True)
        start = int(torch.randint(len(table) - many + 1, (1,)))
        return values * table[start : start + many].view_as(values)


@lru_cache(maxsize=4)
def _drawn(share: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    """2^23 dropout factors: 0 for `share` of them, what keeps the mean at 1 for the others.

    Always the same ones, so that a training that was interrupted goes on as if it had not been.
    """
    drawn = torch.rand(1 << 23, device=device, generator=torch.Generator(device).manual_seed(0))
    return ((drawn >= share) / (1 - share)).to(dtype)


class Encoder(nn.Module):
    """Embeddings and layers; `lower` is what training freezes, `upper` what it moves."""

    def __init__(self, shape: Shape, *, split: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape, self.split = shape, split
        self.word = nn.Embedding(shape.words, shape.width, sparse=True)
        self.position = nn.Embedding(shape.positions, shape.width)
        self.segment = nn.Embedding(SEGMENTS, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))

    def set_dropout(self, share: float) -> None:
        """Dropout of all layers while training."""
        for layer in self.layers:
            layer.dropout = share

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
    """Encoder and heads. Two heads read the text beside the target and where it stands, the others the text alone."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.shape.width
        self.heads = nn.ModuleDict(
            {name: nn.Linear((3 if name in ABOUT_TARGET else 1) * width, len(labels)) for name, labels in HEADS.items()}
        )
        for head in self.heads.values():
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def judge(self, hidden: Tensor, mask: Tensor, segments: Tensor) -> tuple[Tensor, ...]:
        """Last hidden states (rows, length, width) to the logits (rows, labels) of all heads, in the order of HEADS."""
        target = (segments == 1).to(hidden.dtype)
        mention = (segments == 2).to(hidden.dtype)
        text = mask.to(hidden.dtype) - target
        whole = _mean(hidden, text)
        # Where the target is not found in the text, the whole text stands for the place.
        found = mention.amax(1, keepdim=True)
        place = found * _mean(hidden, mention) + (1 - found) * whole
        about = torch.cat((whole, _mean(hidden, target), place), dim=-1)
        return tuple(head(about if name in ABOUT_TARGET else whole) for name, head in self.heads.items())

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> tuple[Tensor, ...]:
        """What is exported: ids, mask, segments (rows, length) to the logits of all heads."""
        return self.judge(self.encoder(input_ids, attention_mask, token_type_ids), attention_mask, token_type_ids)


def _mean(hidden: Tensor, weight: Tensor) -> Tensor:
    """Mean of hidden states (rows, length, width) where `weight` (rows, length) is 1; zeros where it is nowhere."""
    return (hidden * weight.unsqueeze(-1)).sum(1) / weight.sum(1, keepdim=True).clamp(min=1)


def attention_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a token stands and a large negative number where padding does, shaped for attention."""
    return ((1.0 - mask[:, None, None, :].to(dtype)) * -1e4).to(dtype)


def sentence_vectors(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean-pooled, unit-length sentence vectors, as the backbone was trained to give them."""
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    return functional.normalize((hidden * weight).sum(1) / weight.sum(1), dim=-1)


def load_backbone(folder: Path, *, split: int = 3) -> Encoder:
    """The encoder with the sizes and weights of a BERT checkpoint (`config.json`, `model.safetensors` in `folder`)."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    given = load_file(folder / "model.safetensors")
    encoder = Encoder(Shape(*(config[name] for name in _SIZES)), split=split)
    state: dict[str, Tensor] = {}
    for ours, theirs in {
        "word": "word_embeddings",
        "position": "position_embeddings",
        "segment": "token_type_embeddings",
    }.items():
        state[f"{ours}.weight"] = given[f"embeddings.{theirs}.weight"]
    # Where the target stands starts as plain text; what the difference means is learned.
    segments = state["segment.weight"]
    state["segment.weight"] = torch.cat((segments[:2], segments[:1]))
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
