"""Every number that shapes the model, in one place; all of it is printed in the card."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyper-parameters. Rates are peaks; minutes bound the wall time of a stage, its rate falls to 0 with them."""

    seed: int = 7
    languages: tuple[str, ...] = ("es",)
    added_words: int = 10_000
    distil_batch: int = 64
    distil_rate_words: float = 8e-4
    distil_rate_layers: float = 3e-5
    split: int = 3
    longest: int = 128
    batch: int = 32
    dropout: float = 0.1
    weight_decay: float = 0.01
    warm_up: float = 1 / 15
    clip: float = 1.0
    smoothing: float = 0.05
    upper_rate: float = 2e-4
    upper_epochs: int = 2
    upper_minutes: float = 25.0
    deep_rate: float = 3e-5
    deep_rate_words: float = 1e-4
    deep_epochs: int = 1
    deep_minutes: float = 12.0
    ease: float = 0.8  # how much of the activations' outliers goes into the weights before quantising

    def as_dict(self) -> dict[str, object]:
        """For the card and for telling whether a checkpoint belongs to this recipe."""
        return asdict(self)
