import math

import pytest
import torch
from training.loss import NO_POLARITY, joint_loss, set_loss, targets
from training.rows import Row


def row(polarity: int | None, stance: set[int] | None) -> Row:
    return Row("text", "acme", "en", polarity, None if stance is None else frozenset(stance), "test")


def test_labels_become_masks() -> None:
    classes, allowed = targets([row(2, {1, 2}), row(None, {-2}), row(0, None)])
    assert classes.tolist() == [2, NO_POLARITY, 0]
    assert allowed.int().tolist() == [[0, 0, 0, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_a_set_costs_what_its_members_lack_together() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.25, 0.15]]))
    allowed = torch.tensor([[False, False, False, True, True]])
    assert set_loss(logits, allowed).item() == pytest.approx(-math.log(0.4))


def test_a_set_does_not_say_which_of_its_steps() -> None:
    """Probability may move within the set at no cost: that is what makes coarse labels harmless to the fine scale."""
    allowed = torch.tensor([[True, True, False, False, False]])
    one = torch.log(torch.tensor([[0.5, 0.1, 0.2, 0.1, 0.1]]))
    other = torch.log(torch.tensor([[0.1, 0.5, 0.2, 0.1, 0.1]]))
    assert set_loss(one, allowed).item() == pytest.approx(set_loss(other, allowed).item())


def test_rows_without_a_label_pull_at_nothing() -> None:
    polarity = torch.randn(3, 3, requires_grad=True)
    stance = torch.randn(3, 5, requires_grad=True)
    classes, allowed = targets([row(1, None), row(None, {0}), row(None, None)])
    joint_loss(polarity, stance, classes, allowed, smoothing=0.0).backward()
    assert polarity.grad is not None
    assert stance.grad is not None
    assert polarity.grad.abs().sum(1).gt(0).tolist() == [True, False, False]
    assert stance.grad.abs().sum(1).gt(0).tolist() == [False, True, False]


def test_a_batch_without_any_label_is_no_accident() -> None:
    logits = torch.randn(2, 5, requires_grad=True)
    loss = set_loss(logits, torch.zeros(2, 5, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()
