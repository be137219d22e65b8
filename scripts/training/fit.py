"""The two training stages, each bounded by epochs and by wall time, with checkpoints to resume from."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training.batches import Tokens, batches_of, pad
from training.cache import LowerCache
from training.encoder import Model
from training.loss import joint_loss, targets
from training.recipe import Recipe
from training.rows import Row

CHECKPOINT_SECONDS = 120.0
Progress = Callable[[str, float, float, float], None]  # stage, share done, loss, rows a second


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training: which parameters move at which peak rate, for how long."""

    name: str
    groups: list[dict[str, Any]]
    epochs: int
    minutes: float
    cached: bool  # whether the lower layers stay as they are and their outputs come from the cache


def upper_stage(model: Model, recipe: Recipe) -> Stage:
    """The upper layers and heads move."""
    upper = [
        *model.encoder.layers[recipe.split :].parameters(),
        *model.polarity.parameters(),
        *model.stance.parameters(),
    ]
    groups = [{"params": upper, "lr": recipe.upper_rate}]
    return Stage("upper", groups, recipe.upper_epochs, recipe.upper_minutes, cached=True)


def deep_stage(model: Model, recipe: Recipe) -> Stage:
    """Everything moves a little, the embeddings without weight decay (most words are absent from a batch)."""
    words = [model.encoder.word.weight]
    rest = [parameter for name, parameter in model.named_parameters() if name != "encoder.word.weight"]
    groups = [
        {"params": rest, "lr": recipe.deep_rate},
        {"params": words, "lr": recipe.deep_rate_words, "weight_decay": 0.0},
    ]
    return Stage("deep", groups, recipe.deep_epochs, recipe.deep_minutes, cached=False)


def rate_at(done: float, warm_up: float) -> float:
    """Share of the peak rate when `done` (0..1) of a stage is over: linear up, then linear down to 0."""
    return min(done / warm_up, (1 - done) / (1 - warm_up)) if done < 1 else 0.0


def fit(
    model: Model, stage: Stage, rows: Sequence[Row], tokens: Sequence[Tokens], cache: LowerCache | None, recipe: Recipe,
    checkpoint: Path, progress: Progress,
) -> None:  # fmt: skip
    """Train one stage; an interrupted one goes on from `checkpoint`, a finished one is only loaded."""
    torch.manual_seed(recipe.seed)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    moving: list[nn.Parameter] = [parameter for group in stage.groups for parameter in group["params"]]
    for parameter in moving:
        parameter.requires_grad_(True)
    optimiser = torch.optim.AdamW(stage.groups, fused=True, weight_decay=recipe.weight_decay)
    peaks = [group["lr"] for group in optimiser.param_groups]
    lengths = [len(ids) for ids, _ in tokens]
    plan = [
        batch
        for epoch in range(stage.epochs)
        for batch in batches_of(lengths, recipe.batch, random.Random(f"{recipe.seed}{stage.name}{epoch}"))
    ]
    step, spent = 0, 0.0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(kept["model"])
        step, spent = kept["step"], kept["spent"]
        if not kept["finished"]:
            optimiser.load_state_dict(kept["optimiser"])
        else:
            model.eval()
            return

    def save(finished: bool) -> None:
        state = {"model": model.state_dict(), "step": step, "spent": spent, "finished": finished}
        if not finished:
            state["optimiser"] = optimiser.state_dict()
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)

    model.train()
    started, saved, told, seen, smooth = time.monotonic() - spent, spent, spent, 0, 1.0
    while step < len(plan) and spent < 60 * stage.minutes:
        done = max(step / len(plan), spent / (60 * stage.minutes))
        for group, peak in zip(optimiser.param_groups, peaks, strict=True):
            group["lr"] = peak * rate_at(done + 1e-4, recipe.warm_up)
        places = plan[step]
        loss = joint_loss(
            *_judge(model, places, tokens, cache), *targets([rows[place] for place in places]), recipe.smoothing
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(moving, recipe.clip)
        optimiser.step()
        step, seen, spent = step + 1, seen + len(places), time.monotonic() - started
        smooth = 0.99 * smooth + 0.01 * loss.item()
        if spent - told > 15:
            progress(stage.name, done, smooth, seen / (spent - told))
            told, seen = spent, 0
        if spent - saved > CHECKPOINT_SECONDS:
            save(finished=False)
            saved = spent
    model.eval()
    save(finished=True)
    progress(stage.name, 1.0, smooth, 0.0)


def _judge(
    model: Model, places: Sequence[int], tokens: Sequence[Tokens], cache: LowerCache | None
) -> tuple[Tensor, Tensor]:
    """Logits of both heads as float32; the matrix products run in bfloat16."""
    if cache is not None:
        hidden, mask, segments = cache.get(places)
    with torch.autocast("cpu", torch.bfloat16):
        if cache is None:
            ids, mask, segments = pad([tokens[place] for place in places])
            hidden = model.encoder.lower(ids, mask, segments)
        hidden = model.encoder.upper(hidden, mask).float()
    # Pooling and heads stay exact: they are cheap and the pooled vector is what the labels pull at.
    return model.judge(hidden, mask, segments)
