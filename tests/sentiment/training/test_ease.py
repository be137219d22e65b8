import pytest
import torch
from training.batches import pad
from training.ease import ease
from training.encoder import Encoder, Model, Shape

TOKENS = [([2, 5, 6, 3, 7, 3], [0, 0, 0, 0, 1, 1]), ([2, 9, 3], [0, 0, 0])] * 5


def test_an_eased_network_says_the_same_with_smaller_outliers() -> None:
    torch.manual_seed(0)
    model = Model(Encoder(Shape(words=12, width=16, inner=32, layers=2, heads=2, positions=8), dropout=0.0)).eval()
    with torch.no_grad():
        model.encoder.layers[0].norm.weight[3] = 60.0  # one channel far larger than the rest
    batch = pad(TOKENS[:2])
    with torch.no_grad():
        before = model(*batch)
    ease(model, TOKENS, 0.8)
    seen: list[torch.Tensor] = []
    model.encoder.layers[1].mix.linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].abs()))
    with torch.no_grad():
        after = model(*batch)
    for head in (0, 1):
        assert after[head] == pytest.approx(before[head], abs=1e-3)
    spread = seen[0].flatten(0, 1).amax(0)
    assert spread.max() / spread.median() < 10
