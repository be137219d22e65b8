"""Losses that know what a label leaves open; a question that a row has no answer to costs it nothing."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from training.encoder import EMOTIONS, HEADS, STANCE
from training.rows import Row

UNKNOWN = -1
WEIGHTS = {
    "polarity": 1.0, "stance": 1.0, "emotions": 0.7, "irony": 0.5, "offensive": 0.4, "complaint": 0.7, "relevance": 0.5,
}  # fmt: skip
"""How much each question counts; those that a mention is judged by count most."""


def targets(rows: Sequence[Row]) -> dict[str, Tensor]:
    """Per head what is known: polarity (rows,) as class index, stance (rows, 5) as booleans of the allowed steps, the
    others (rows, labels) as 0 or 1; -1 (a stance that allows none) where it is not known."""
    found = {
        "polarity": torch.tensor([UNKNOWN if row.polarity is None else row.polarity for row in rows]),
        "stance": torch.tensor([[int(step) in (row.stance or ()) for step in STANCE] for row in rows]),
        "emotions": torch.tensor([[row.emotions.get(name, UNKNOWN) for name in EMOTIONS] for row in rows]),
    }
    for name in HEADS:
        if name not in found:
            found[name] = torch.tensor([[row.signs.get(name, UNKNOWN)] for row in rows])
    return found


def set_loss(logits: Tensor, allowed: Tensor, ordinal: float = 0.0) -> Tensor:
    """Sum of minus the log of what the allowed steps have together, over the rows that allow some.

    Rows that allow a single step also pay `ordinal` for each step between it and the expected one.
    """
    known = allowed.any(dim=1)
    logits, allowed = logits[known], allowed[known]
    chances = functional.log_softmax(logits, dim=-1)
    loss = -torch.logsumexp(chances.masked_fill(~allowed, -1e4), dim=-1).sum()
    one = allowed.sum(dim=1) == 1
    # A lone 0 may be that of a coarse scale, where it is as exact as on the five-step one.
    steps = torch.arange(len(STANCE), dtype=logits.dtype, device=logits.device)
    distance = (chances.exp() * (steps - allowed.float().argmax(dim=1, keepdim=True)).abs()).sum(dim=1)
    return loss + ordinal * distance[one].sum()


def joint_loss(logits: Mapping[str, Tensor], known: Mapping[str, Tensor], smoothing: float, ordinal: float) -> Tensor:
    """All heads' losses over the rows that know the answer, weighted, per row of the batch."""
    rows = len(known["polarity"])
    total = torch.zeros((), device=logits["polarity"].device)
    for name, weight in WEIGHTS.items():
        truth, said = known[name], logits[name]
        if name == "polarity":
            total = total + weight * functional.cross_entropy(
                said, truth, ignore_index=UNKNOWN, label_smoothing=smoothing, reduction="sum"
            )
        elif name == "stance":
            total = total + weight * set_loss(said, truth, ordinal)
        else:
            told = truth != UNKNOWN
            # Smoothed as the others are, so that no head grows surer than its data.
            goal = truth[told].to(said.dtype) * (1 - smoothing) + smoothing / 2
            found = functional.binary_cross_entropy_with_logits(said[told], goal, reduction="sum")
            total = total + weight * found / (len(EMOTIONS) / 3 if name == "emotions" else 1)
    return total / rows
