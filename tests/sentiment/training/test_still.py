import pytest
import torch
from training.batches import pad
from training.ease import ease
from training.encoder import Model
from training.still import MARGIN, ranges

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 2, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0]), ([2, 8, 4, 3], [0, 0, 0, 0])]


@pytest.mark.parametrize("eased", [False, True])
def test_the_range_of_each_products_input_over_all_texts(model: Model, eased: bool) -> None:
    if eased:
        ease(model, TOKENS, 0.8)
    found = ranges(model, TOKENS)
    assert set(found) == {f"layers.{n}.{name}" for n in (0, 1) for name in ("mix", "mixed", "grow", "shrink")}
    seen: list[torch.Tensor] = []
    product = model.encoder.layers[1].grow
    product = product.linear if eased else product
    hook = product.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        for row in TOKENS:
            model(*pad([row]))
    hook.remove()
    values = torch.cat([one.flatten() for one in seen])
    low, high = found["layers.1.grow"]
    assert (low, high) == pytest.approx((values.min().item() * MARGIN, values.max().item() * MARGIN))
    assert low < 0 < high


def test_padding_widens_no_range(model: Model) -> None:
    alone = ranges(model, TOKENS[1:2])
    with torch.no_grad():
        model.encoder.word.weight[0] = 1000.0  # the id that fills
    assert ranges(model, TOKENS[1:2]) == alone


def test_reading_ranges_leaves_the_network_as_it_was(model: Model) -> None:
    model.eval()
    with torch.no_grad():
        before = model(*pad(TOKENS))
        ranges(model, TOKENS)
        after = model(*pad(TOKENS))
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not any(module._forward_pre_hooks for module in model.modules())
