"""Polish the added words: a foreign sentence must land where the untouched model puts its English translation."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from training.batches import in_chunks, pad, tokenise
from training.encoder import Encoder, sentence_vectors
from training.recipe import Recipe


def read_pairs(path: Path, lang: str) -> list[tuple[str, str]]:
    """(English, other) sentences of the parallel file."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        head = next(rows)
        column = head.index(lang)
        return [(row[0], row[column]) for row in rows if len(row) == len(head) and row[0] and row[column]]


@torch.no_grad()
def vectors(encoder: Encoder, tokenizer: Tokenizer, texts: list[str], longest: int = 96) -> Tensor:
    """Unit sentence vectors (texts, width), in the order given, on the CPU."""
    encoder.eval()
    device = encoder.word.weight.device
    tokens = tokenise(tokenizer, [(text, None) for text in texts], longest)
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place][0]))
    found = torch.empty(len(texts), encoder.shape.width)
    for chunk in in_chunks(len(order), 128):
        places = [order[place] for place in chunk]
        ids, mask, segments = (part.to(device) for part in pad([tokens[place] for place in places]))
        with torch.autocast(device.type, torch.bfloat16):
            hidden = encoder(ids, mask, segments)
        found[places] = sentence_vectors(hidden.float(), mask).cpu()
    return found


def found_among(ours: Tensor, theirs: Tensor) -> tuple[float, float]:
    """Share of rows whose nearest neighbour on the other side is their translation, and the mean cosine of pairs."""
    likeness = ours @ theirs.T
    right = likeness.argmax(1) == torch.arange(len(ours))
    return right.float().mean().item(), likeness.diagonal().mean().item()


def distil(
    student: Encoder,
    tokenizer: Tokenizer,
    pairs: list[tuple[str, str]],
    anchors: Tensor,
    recipe: Recipe,
    progress: Callable[[int, int, float], None],
) -> None:
    """One pass over `pairs`; `anchors` are the original model's vectors of the English sentences.

    Only the embeddings and the lower layers move. English is replayed in every fourth step so that it stays put.
    """
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    student.train()
    for parameter in student.parameters():
        parameter.requires_grad_(False)
    lower = [parameter for layer in student.layers[: student.split] for parameter in layer.parameters()]
    for parameter in (student.word.weight, *lower):
        parameter.requires_grad_(True)
    optimisers = [
        torch.optim.SparseAdam([student.word.weight], lr=recipe.distil_rate_words),
        torch.optim.AdamW(lower, lr=recipe.distil_rate_layers, fused=True, weight_decay=0.0),
    ]
    order = list(range(len(pairs)))
    rng.shuffle(order)
    chunks = [order[chunk.start : chunk.stop] for chunk in in_chunks(len(order), recipe.distil_batch)]
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / 20) * (1 - step / len(chunks)))
        for optimiser in optimisers
    ]
    device = student.word.weight.device
    for step, places in enumerate(chunks):
        side = 0 if step % 4 == 3 else 1
        tokens = tokenise(tokenizer, [(pairs[place][side], None) for place in places], 96)
        ids, mask, segments = (part.to(device) for part in pad(tokens))
        with torch.autocast(device.type, torch.bfloat16):
            hidden = student(ids, mask, segments)
        ours, theirs = sentence_vectors(hidden.float(), mask), anchors[places].to(device)
        likeness = ours @ theirs.T
        contrast = functional.cross_entropy(20 * likeness, torch.arange(len(places), device=device))
        loss = 0.3 * contrast + 5 * (1 - likeness.diagonal()).mean()
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lower, 1.0)
        for optimiser, schedule in zip(optimisers, schedules, strict=True):
            optimiser.step()
            schedule.step()
        progress(step + 1, len(chunks), loss.item())
    for parameter in student.parameters():
        parameter.requires_grad_(True)
    student.eval()
