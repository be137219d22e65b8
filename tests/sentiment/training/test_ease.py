import pytest
import torch
from training.batches import pad
from training.ease import Eased, ease, plain
from training.encoder import Model

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 2, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0])] * 5


def spread_of(model: Model, product: str) -> float:
    """How far the largest channel of a product's input in the last layer stands out over the middle one."""
    seen: list[torch.Tensor] = []
    linear = plain(getattr(model.encoder.layers[-1], product))
    hook = linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].abs()))
    with torch.no_grad():
        model(*pad(TOKENS[:2]))
    hook.remove()
    channels = seen[0].flatten(0, 1).amax(0)
    return (channels.max() / channels.median()).item()


@pytest.fixture
def uneven(model: Model) -> Model:
    """One channel far larger than the rest, into the last layer and among what its attention mixes."""
    with torch.no_grad():
        model.eval().encoder.layers[0].norm.weight[3] = 60.0
        model.encoder.layers[-1].mix.weight[2 * 16 + 5] *= 60.0
    return model


@pytest.mark.parametrize("product", ["mix", "mixed"])
def test_outliers_grow_smaller(uneven: Model, product: str) -> None:
    before = spread_of(uneven, product)
    ease(uneven, TOKENS, 0.8)
    assert spread_of(uneven, product) < before / 2


def test_an_eased_network_says_the_same(uneven: Model) -> None:
    with torch.no_grad():
        before = uneven(*pad(TOKENS))
        ease(uneven, TOKENS, 0.8)
        after = uneven(*pad(TOKENS))
    for one, other in zip(before, after, strict=True):
        assert other == pytest.approx(one, abs=1e-3)


def test_what_attention_mixes_is_eased_where_it_is_made(uneven: Model) -> None:
    ease(uneven, TOKENS, 0.8)
    eased = [
        name
        for name in ("mix", "mixed", "grow", "shrink")
        if isinstance(getattr(uneven.encoder.layers[0], name), Eased)
    ]
    assert eased == ["mix", "grow", "shrink"]
