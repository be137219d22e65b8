"""Make a network easy to quantise: move the outliers of activations into the weights.

Int8 gives all activations of a product one scale; a few channels that are far larger than the rest leave little of it
to the others. Dividing each input channel of a linear layer by a factor and multiplying its weights by the same changes
nothing in exact arithmetic and evens the channels out (SmoothQuant, Xiao et al. 2023).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.batches import Tokens, in_chunks, pad
from training.encoder import Layer, Model

NAMES = ("mix", "mixed", "grow", "shrink")


class Eased(nn.Module):
    """A linear layer whose input channels are scaled first."""

    def __init__(self, linear: nn.Linear, factors: Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(linear.in_features, linear.out_features)
        self.linear.weight = nn.Parameter(linear.weight.detach() * factors)
        self.linear.bias = nn.Parameter(linear.bias.detach().clone())
        self.register_buffer("scale", 1 / factors)

    def forward(self, inputs: Tensor) -> Tensor:
        """The same product as before."""
        return self.linear(inputs * self.scale)


def plain(product: nn.Module) -> nn.Linear:
    """The linear layer itself, eased or not."""
    linear = product.linear if isinstance(product, Eased) else product
    assert isinstance(linear, nn.Linear)
    return linear


@torch.no_grad()
def ease(model: Model, tokens: Sequence[Tokens], strength: float, batch: int = 32) -> None:
    """Scale the inputs of all layers' products in place, by what they look like on `tokens`."""
    model.eval()
    largest: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        found = inputs[0].abs().flatten(0, -2).amax(0)
        largest[module] = torch.maximum(largest[module], found) if module in largest else found

    linears = [(layer, name, getattr(layer, name)) for layer in model.encoder.layers for name in NAMES]
    hooks = [linear.register_forward_pre_hook(note) for *_, linear in linears]
    for chunk in in_chunks(len(tokens), batch):
        model(*pad([tokens[place] for place in chunk]))
    for hook in hooks:
        hook.remove()
    for layer, name, linear in linears:
        inputs = largest[linear].clamp(min=1e-5)
        weights = linear.weight.abs().amax(0).clamp(min=1e-5)
        factors = (inputs**strength / weights ** (1 - strength)).clamp(min=1e-3)
        if name == "mixed":
            _ease_mixed(layer, factors)
        else:
            setattr(layer, name, Eased(linear, factors))


def _ease_mixed(layer: Layer, factors: Tensor) -> None:
    """What attention mixes is linear in its values, so these can be made smaller where they are made: at no cost."""
    made = plain(layer.mix)
    values = slice(2 * len(factors), 3 * len(factors))
    made.weight[values] /= factors.unsqueeze(1)
    made.bias[values] /= factors
    layer.mixed.weight *= factors
