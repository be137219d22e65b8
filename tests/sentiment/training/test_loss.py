import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from training.encoder import EMOTIONS, HEADS
from training.loss import UNKNOWN, WEIGHTS, joint_loss, set_loss, targets
from training.rows import Row


def row(
    polarity: int | None = None, stance: set[int] | None = None, emotions: Mapping[str, int] | None = None, **signs: int
) -> Row:
    steps = None if stance is None else frozenset(stance)
    return Row("text", "acme", "en", polarity, steps, "test", emotions or {}, signs)


def random_logits(rows: int) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {name: torch.randn(rows, len(labels), requires_grad=True) for name, labels in HEADS.items()}


def test_labels_become_masks() -> None:
    known = targets([row(2, {1, 2}), row(stance={-2}, irony=1), row(0, emotions={"joy": 1, "fear": 0})])
    assert known["polarity"].tolist() == [2, UNKNOWN, 0]
    assert known["stance"].int().tolist() == [[0, 0, 0, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert known["irony"].tolist() == [[UNKNOWN], [1], [UNKNOWN]]
    assert known["offensive"].tolist() == [[UNKNOWN]] * 3
    expected = [UNKNOWN] * len(EMOTIONS)
    expected[EMOTIONS.index("joy")], expected[EMOTIONS.index("fear")] = 1, 0
    assert known["emotions"].tolist() == [[UNKNOWN] * len(EMOTIONS)] * 2 + [expected]
    assert set(known) == set(HEADS) == set(WEIGHTS)


def test_a_set_costs_what_its_members_lack_together() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.25, 0.15]]))
    allowed = torch.tensor([[False, False, False, True, True]])
    assert set_loss(logits, allowed).item() == pytest.approx(-math.log(0.4))


def test_a_set_does_not_say_which_of_its_steps() -> None:
    """Probability may move within the set at no cost: that is what makes coarse labels harmless to the fine scale."""
    allowed = torch.tensor([[True, True, False, False, False]])
    one = torch.log(torch.tensor([[0.5, 0.1, 0.2, 0.1, 0.1]]))
    other = torch.log(torch.tensor([[0.1, 0.5, 0.2, 0.1, 0.1]]))
    assert set_loss(one, allowed, 0.3).item() == pytest.approx(set_loss(other, allowed, 0.3).item())


def test_a_single_step_pays_for_the_distance_too() -> None:
    near = torch.log(torch.tensor([[0.1, 0.1, 0.1, 0.4, 0.3]]))
    far = torch.log(torch.tensor([[0.4, 0.1, 0.1, 0.1, 0.3]]))
    top = torch.tensor([[False, False, False, False, True]])
    assert set_loss(near, top).item() == pytest.approx(set_loss(far, top).item())
    assert set_loss(near, top, 0.3).item() == pytest.approx(
        -math.log(0.3) + 0.3 * (4 * 0.1 + 3 * 0.1 + 2 * 0.1 + 0.4), abs=1e-5
    )
    assert set_loss(far, top, 0.3) > set_loss(near, top, 0.3)


def test_a_step_in_the_middle_pays_on_both_sides() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.1, 0.4, 0.2, 0.1]]))
    middle = torch.tensor([[False, False, True, False, False]])
    assert set_loss(logits, middle, 1.0).item() == pytest.approx(-math.log(0.4) + 2 * 0.2 + 0.1 + 0.2 + 2 * 0.1)


def test_rows_without_a_label_pull_at_nothing() -> None:
    logits = random_logits(8)
    rows = [
        row(1), row(stance={0}), row(emotions={"joy": 0}), row(irony=1), row(offensive=0), row(complaint=1),
        row(relevance=0), row(),
    ]  # fmt: skip
    joint_loss(logits, targets(rows), smoothing=0.1, ordinal=0.3).backward()
    for place, head in enumerate(HEADS):
        gradient = logits[head].grad
        assert gradient is not None
        assert gradient.abs().sum(1).gt(0).tolist() == [at == place for at in range(8)]


def test_emotions_that_nobody_judged_pull_at_nothing() -> None:
    logits = random_logits(1)
    joint_loss(logits, targets([row(emotions={"joy": 1, "fear": 0})]), smoothing=0.0, ordinal=0.0).backward()
    gradient = logits["emotions"].grad
    assert gradient is not None
    pulled = {name: float(value) for name, value in zip(EMOTIONS, gradient[0], strict=True) if value}
    assert set(pulled) == {"joy", "fear"}
    assert pulled["joy"] < 0 < pulled["fear"]


def test_each_question_counts_by_its_weight_per_row_of_the_batch() -> None:
    logits = random_logits(2)
    with torch.no_grad():
        tone = functional.cross_entropy(logits["polarity"][:1], torch.tensor([2]), label_smoothing=0.1).item()
        irony = functional.binary_cross_entropy_with_logits(logits["irony"][1], torch.tensor([0.95])).item()
        found = joint_loss(logits, targets([row(2), row(irony=1)]), smoothing=0.1, ordinal=0.3).item()
    assert found == pytest.approx((WEIGHTS["polarity"] * tone + WEIGHTS["irony"] * irony) / 2)


def test_a_batch_without_any_label_is_no_accident() -> None:
    logits = random_logits(2)
    loss = joint_loss(logits, targets([row(), row()]), smoothing=0.03, ordinal=0.3)
    loss.backward()
    assert loss.item() == 0
    assert all(torch.equal(one.grad, torch.zeros_like(one)) for one in logits.values() if one.grad is not None)
