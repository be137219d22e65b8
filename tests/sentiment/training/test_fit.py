"""A stage of training: what it learns and leaves alone, and that stopping it changes nothing."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from training import fit as fitting
from training.batches import pad
from training.cache import LowerCache
from training.encoder import Encoder, Model
from training.fit import Round, Stage, deep_stage, fit, rate_at, upper_stage
from training.recipe import Recipe
from training.rows import Row

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 0, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0]), ([2, 5, 8, 9, 3], [0] * 5)] * 4
ROWS = [
    Row("", "x", "en", 2, frozenset((1, 2)), ""),
    Row("", None, "en", 0, None, "", {"joy": 1, "fear": 0}),
    Row("", None, "en", 1, None, "", {}, {"complaint": 1}),
] * 4
RECIPE = replace(
    Recipe(), split=1, batch_tokens=24, upper_minutes=math.inf, deep_minutes=math.inf, deep_rounds=2, upper_rate=5e-3,
    deep_rate_heads=2e-2,
)  # fmt: skip


def rounds(_: int) -> Round:
    return ROWS, TOKENS


def run(model: Model, stage: Stage, folder: Path, cache: LowerCache | None = None) -> list[str]:
    """Train; what was told on the way."""
    told: list[str] = []
    checkpoint = folder / f"{stage.name}.pt"
    fit(model, stage, rounds, cache, RECIPE, checkpoint, lambda name, done, *_: told.append(f"{name} {done:.0%}"))
    return told


def cached(model: Model, folder: Path) -> LowerCache:
    cache = LowerCache(folder / "lower", TOKENS, 16, "key")
    cache.fill(model.encoder, lambda *_: None)
    return cache


def weights(model: Model) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def moved(model: Model, before: dict[str, Tensor]) -> set[str]:
    """The parts of the model whose weights are no longer those of before."""
    names = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    return {".".join(name.split(".")[: 3 if "layers" in name else 2]) for name in names}


HEADS_WITH_ANSWERS = {f"heads.{name}" for name in ("polarity", "stance", "emotions", "complaint")}


def test_a_cached_stage_learns_and_leaves_the_lower_layers_alone(model: Model, tmp_path: Path) -> None:
    before = weights(model)
    stage = replace(upper_stage(model, RECIPE), rounds=30)
    assert run(model, stage, tmp_path, cached(model, tmp_path))[-1] == "upper 100%"
    with torch.no_grad():
        polarity, stance, *_, complaint, _ = model(*pad(TOKENS[:3]))
    assert polarity.argmax(1).tolist() == [2, 0, 1]
    assert stance[0].softmax(0)[3:].sum() > 0.9
    assert complaint[2].sigmoid() > 0.8
    untouched = {"encoder.word", "encoder.position", "encoder.segment", "encoder.norm", "encoder.layers.0"}
    assert not moved(model, before) & untouched
    assert {"encoder.layers.1", *HEADS_WITH_ANSWERS} <= moved(model, before)


def test_the_cache_stands_for_the_lower_layers(model: Model, tmp_path: Path) -> None:
    cache = cached(model, tmp_path)
    with torch.no_grad():
        model.encoder.layers[0].mix.weight.zero_()  # what training would now read without the cache
        found = fitting._judge(model, TOKENS, [0, 1], cache)
        afresh = fitting._judge(model, TOKENS, [0, 1], None)
    assert not torch.allclose(found["stance"], afresh["stance"], atol=1e-3)


def test_everything_moves_in_the_deep_stage_but_words_that_no_row_has(model: Model, tmp_path: Path) -> None:
    before = weights(model)
    run(model, deep_stage(model, replace(RECIPE, deep_rate_words=1e-2)), tmp_path)
    assert moved(model, before) >= {
        "encoder.word", "encoder.position", "encoder.segment", "encoder.norm", "encoder.layers.0", "encoder.layers.1",
        *HEADS_WITH_ANSWERS,
    }  # fmt: skip
    changed = (model.encoder.word.weight != before["encoder.word.weight"]).any(dim=1)
    seen = {number for ids, _ in TOKENS for number in ids}
    # Not of padding either: it has no say in anything.
    assert set(changed.nonzero().flatten().tolist()) == seen


@pytest.mark.parametrize(
    ("off", "still"),
    [
        ("deep_rate_lower", {"encoder.position", "encoder.segment", "encoder.norm", "encoder.layers.0"}),
        ("deep_rate", {"encoder.layers.1"}),
        ("deep_rate_heads", HEADS_WITH_ANSWERS),
        ("deep_rate_words", {"encoder.word"}),
    ],
)
def test_each_part_has_its_own_rate(model: Model, tmp_path: Path, off: str, still: set[str]) -> None:
    before = weights(model)
    recipe = replace(RECIPE, deep_rounds=1, **{off: 0.0})
    run(model, deep_stage(model, recipe), tmp_path)
    everything = {
        "encoder.word", "encoder.position", "encoder.segment", "encoder.norm", "encoder.layers.0", "encoder.layers.1",
        *HEADS_WITH_ANSWERS,
    }  # fmt: skip
    assert moved(model, before) & everything == everything - still


class Stopped(Exception):
    """The power goes out."""


@pytest.mark.parametrize("steps", [2, 5])  # within the first round, and in the second
@pytest.mark.parametrize("kind", [upper_stage, deep_stage])
def test_an_interrupted_stage_ends_with_the_very_same_weights(
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    steps: int,
    kind: Callable[[Model, Recipe], Stage],
) -> None:
    model.encoder.set_dropout(0.3)
    start = weights(model)
    stage = replace(kind(model, RECIPE), rounds=2)
    whole = tmp_path / "whole"
    whole.mkdir()
    run(model, stage, whole)
    expected = weights(model)
    total = torch.load(whole / f"{stage.name}.pt", weights_only=True)["step"]
    assert total > 5

    model.load_state_dict(start)
    monkeypatch.setattr(fitting, "CHECKPOINT_SECONDS", -1.0)
    real, left = fitting.joint_loss, steps

    def dying(*arguments: object) -> Tensor:
        nonlocal left
        if not left:
            raise Stopped
        left -= 1
        return real(*arguments)

    monkeypatch.setattr(fitting, "joint_loss", dying)
    with pytest.raises(Stopped):
        run(model, stage, tmp_path)
    assert torch.load(tmp_path / f"{stage.name}.pt", weights_only=True)["step"] == steps
    monkeypatch.setattr(fitting, "joint_loss", real)
    torch.manual_seed(99)
    other = Model(Encoder(model.encoder.shape, split=1, dropout=0.3))
    run(other, replace(kind(other, RECIPE), rounds=2), tmp_path)
    assert torch.load(tmp_path / f"{stage.name}.pt", weights_only=True)["step"] == total
    assert [name for name, value in other.state_dict().items() if not torch.equal(value, expected[name])] == []


def test_a_finished_stage_is_only_loaded(model: Model, tmp_path: Path) -> None:
    run(model, deep_stage(model, RECIPE), tmp_path)
    torch.manual_seed(5)
    other = Model(Encoder(model.encoder.shape, split=1))
    assert run(other, deep_stage(other, RECIPE), tmp_path) == []
    assert moved(other, weights(model)) == set()
    assert not other.training


@pytest.mark.parametrize(("minutes", "steps"), [(0.0, 0), (1e-9, 1)])
def test_time_ends_a_stage(model: Model, tmp_path: Path, minutes: float, steps: int) -> None:
    run(model, replace(deep_stage(model, RECIPE), minutes=minutes), tmp_path)
    kept = torch.load(tmp_path / "deep.pt", weights_only=True)
    assert kept["finished"]
    assert kept["step"] == steps


def test_each_round_has_rows_of_its_own(model: Model, tmp_path: Path) -> None:
    asked: list[int] = []

    def other(number: int) -> Round:
        asked.append(number)
        return ROWS[number : number + 3], TOKENS[number : number + 3]

    stage = replace(deep_stage(model, RECIPE), rounds=3)
    fit(model, stage, other, None, RECIPE, tmp_path / "deep.pt", lambda *_: None)
    assert asked == [0, 1, 2]


def test_the_rate_rises_and_falls() -> None:
    assert rate_at(0, 0.1) == 0
    assert rate_at(0.05, 0.1) == pytest.approx(0.5)
    assert rate_at(0.1, 0.1) == pytest.approx(1)
    assert rate_at(0.55, 0.1) == pytest.approx(0.5)
    assert rate_at(1, 0.1) == 0
    assert rate_at(1.2, 0.1) == 0
