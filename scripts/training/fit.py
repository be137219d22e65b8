"""The two training stages, each bounded by rounds and by wall time, with checkpoints to resume from."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.batches import Tokens, batches_of, pad
from training.cache import LowerCache
from training.encoder import HEADS, Model
from training.loss import joint_loss, targets
from training.recipe import Recipe
from training.rows import Row

CHECKPOINT_SECONDS = 180.0
Progress = Callable[[str, float, float, float], None]  # stage, share done, loss, rows a second
Round = tuple[Sequence[Row], Sequence[Tokens]]
Rounds = Callable[[int], Round]
"""The rows of a round and their tokens."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stretch of training: which parameters move at which peak rate, for how long."""

    name: str
    groups: list[tuple[list[nn.Parameter], float]]
    words: float | None
    """The peak rate of the word embeddings; None keeps them."""
    rounds: int
    minutes: float


def upper_stage(model: Model, recipe: Recipe) -> Stage:
    """The upper layers and heads move."""
    upper = list(model.encoder.layers[recipe.split :].parameters())
    groups = [(upper, recipe.upper_rate), (list(model.heads.parameters()), recipe.deep_rate_heads)]
    return Stage("upper", groups, None, 1, recipe.upper_minutes)


def deep_stage(model: Model, recipe: Recipe) -> Stage:
    """Everything moves, the lower layers less than the upper ones."""
    encoder = model.encoder
    lower = [*encoder.position.parameters(), *encoder.segment.parameters(), *encoder.norm.parameters()]
    lower += encoder.layers[: recipe.split].parameters()
    groups = [
        (lower, recipe.deep_rate_lower),
        (list(encoder.layers[recipe.split :].parameters()), recipe.deep_rate),
        (list(model.heads.parameters()), recipe.deep_rate_heads),
    ]
    return Stage("deep", groups, recipe.deep_rate_words, recipe.deep_rounds, recipe.deep_minutes)


def rate_at(done: float, warm_up: float) -> float:
    """Share of the peak rate when `done` (0..1) of a stage is over: linear up, then linear down to 0."""
    return min(done / warm_up, (1 - done) / (1 - warm_up)) if done < 1 else 0.0


class _Optimiser:
    """AdamW for what is dense; Adam for the words, of which a batch holds a few, without decay."""

    def __init__(self, model: Model, stage: Stage, decay: float) -> None:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.dense = [parameter for group, _ in stage.groups for parameter in group]
        groups = [{"params": group, "lr": rate} for group, rate in stage.groups]
        self._all: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, fused=True, weight_decay=decay)]
        words = [model.encoder.word.weight] if stage.words else []
        if stage.words:
            self._all.append(torch.optim.SparseAdam(words, lr=stage.words))
        for parameter in (*self.dense, *words):
            parameter.requires_grad_(True)
        self._peaks = [(group, group["lr"]) for one in self._all for group in one.param_groups]

    def step(self, loss: Tensor, share: float, clip: float) -> None:
        """One step at `share` of the peak rates."""
        for group, peak in self._peaks:
            group["lr"] = peak * share
        for one in self._all:
            one.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.dense, clip)
        for one in self._all:
            one.step()

    def state(self) -> list[dict]:
        return [one.state_dict() for one in self._all]

    def load(self, states: list[dict]) -> None:
        for one, state in zip(self._all, states, strict=True):
            one.load_state_dict(state)
        # Loading puts new groups in the places of the old ones.
        groups = [group for one in self._all for group in one.param_groups]
        self._peaks = [(group, peak) for group, (_, peak) in zip(groups, self._peaks, strict=True)]


def finished(checkpoint: Path) -> bool:
    """Whether the stage that writes this checkpoint is over."""
    return checkpoint.exists() and bool(torch.load(checkpoint, weights_only=True, mmap=True)["finished"])


def fit(
    model: Model, stage: Stage, rounds: Rounds, cache: LowerCache | None, recipe: Recipe, checkpoint: Path,
    progress: Progress,
) -> None:  # fmt: skip
    """Train one stage; an interrupted one goes on from `checkpoint`, a finished one is only loaded.

    With a `cache` the lower layers stay as they are and their outputs come from it.
    """
    torch.manual_seed(recipe.seed)
    optimiser = _Optimiser(model, stage, recipe.weight_decay)
    step, spent = 0, 0.0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(kept["model"])
        step, spent = kept["step"], kept["spent"]
        if kept["finished"]:
            model.eval()
            return
        optimiser.load(kept["optimiser"])
        torch.set_rng_state(kept["random"])

    def save(finished: bool) -> None:
        state = {"model": model.state_dict(), "step": step, "spent": spent, "finished": finished}
        if not finished:
            state |= {"optimiser": optimiser.state(), "random": torch.get_rng_state()}
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)

    model.train()
    started, saved, told, seen, smooth = time.monotonic() - spent, spent, spent, 0, 1.0
    for done, rows, tokens, places in _plan(stage, rounds, recipe, step):
        done = max(done, spent / (60 * stage.minutes) if stage.minutes else 1.0)
        if done >= 1:
            break
        logits = _judge(model, tokens, places, cache)
        known = {
            name: part.to(logits["polarity"].device) for name, part in targets([rows[at] for at in places]).items()
        }
        loss = joint_loss(logits, known, recipe.smoothing, recipe.ordinal)
        optimiser.step(loss, rate_at(done + 1e-4, recipe.warm_up), recipe.clip)
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


def _plan(
    stage: Stage, rounds: Rounds, recipe: Recipe, skip: int
) -> Iterator[tuple[float, Sequence[Row], Sequence[Tokens], list[int]]]:
    """From step `skip` on: the share of all rounds that is over, the round's rows and tokens, the batch's places."""
    passed = 0
    for number in range(stage.rounds):
        rows, tokens = rounds(number)
        lengths = [len(ids) for ids, _ in tokens]
        batches = batches_of(lengths, recipe.batch_tokens, random.Random(f"{recipe.seed}{stage.name}{number}"))
        for place, batch in enumerate(batches):
            if passed >= skip:
                yield (number + place / len(batches)) / stage.rounds, rows, tokens, batch
            passed += 1


def _judge(
    model: Model, tokens: Sequence[Tokens], places: Sequence[int], cache: LowerCache | None
) -> dict[str, Tensor]:
    """Logits of all heads as float32; the matrix products run in bfloat16."""
    device = model.encoder.word.weight.device
    ids, mask, segments = (part.to(device) for part in pad([tokens[place] for place in places]))
    with torch.autocast(device.type, torch.bfloat16):
        hidden = cache.get(places).to(device) if cache else model.encoder.lower(ids, mask, segments)
        hidden = model.encoder.upper(hidden, mask).float()
    # Pooling and heads stay exact: they are cheap and the pooled vector is what the labels pull at.
    return dict(zip(HEADS, model.judge(hidden, mask, segments), strict=True))
