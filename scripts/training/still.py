"""Make a quantised network's scores independent of their company: fix the scales of its activations.

Dynamic quantisation takes one scale for all activations of a batch, so what a text scores depends on the texts beside
it. Here the ranges are read off while the exact network judges training texts, and go into the graph: the same text
then always scores the same, and the search for the largest value falls away at run time. What lies outside the range
seen is clipped.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from training.batches import Tokens, pad
from training.ease import NAMES, plain
from training.encoder import Model

MARGIN = 1.1
"""How far beyond the values seen a range reaches, as a factor."""

Range = tuple[float, float]
"""The lowest and the highest value of a product's input; 0 lies between them."""


@torch.no_grad()
def ranges(model: Model, tokens: Sequence[Tokens]) -> dict[str, Range]:
    """What the inputs of all layers' products range over, by name (`layers.0.mix`), on these texts."""
    model.eval()
    seen: dict[str, Range] = {}

    def note(name: str, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        low, high = seen.get(name, (0.0, 0.0))
        seen[name] = min(low, inputs[0].min().item()), max(high, inputs[0].max().item())

    products = {
        f"layers.{number}.{name}": plain(getattr(layer, name))
        for number, layer in enumerate(model.encoder.layers)
        for name in NAMES
    }
    hooks = [product.register_forward_pre_hook(partial(note, name)) for name, product in products.items()]
    for row in tokens:  # one by one: what stands where padding is must not widen a range
        model(*pad([row]))
    for hook in hooks:
        hook.remove()
    return {name: (low * MARGIN, high * MARGIN) for name, (low, high) in seen.items()}
