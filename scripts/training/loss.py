"""Losses that know what a label leaves open."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from training.encoder import STANCE
from training.rows import Row

NO_POLARITY = -100  # what cross_entropy ignores


def targets(rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """Class indices (rows,) and allowed steps (rows, 5) as booleans; a row without stance allows none."""
    polarity = torch.tensor([NO_POLARITY if row.polarity is None else row.polarity for row in rows])
    steps = torch.tensor([[row.stance is not None and int(step) in row.stance for step in STANCE] for row in rows])
    return polarity, steps


def set_loss(logits: Tensor, allowed: Tensor) -> Tensor:
    """Mean of minus the log of what the allowed steps have together; rows that allow none are left out."""
    known = allowed.any(dim=1)
    if not known.any():
        return logits.sum() * 0.0
    chances = functional.log_softmax(logits[known], dim=-1).masked_fill(~allowed[known], float("-inf"))
    return -torch.logsumexp(chances, dim=-1).mean()


def joint_loss(polarity: Tensor, stance: Tensor, classes: Tensor, allowed: Tensor, smoothing: float) -> Tensor:
    """Both heads' losses, each weighted by the share of rows that have its label."""
    told = classes != NO_POLARITY
    tone = polarity.sum() * 0.0
    if told.any():
        tone = functional.cross_entropy(polarity[told], classes[told], label_smoothing=smoothing)
    shares = told.float().mean(), allowed.any(dim=1).float().mean()
    return shares[0] * tone + shares[1] * set_loss(stance, allowed)
