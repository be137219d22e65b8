"""What is set for a run, printed in the card.

What does not change from run to run stands where it is used and is named in the card by the commit: how much of each
file a round draws (`rows.SOURCES`), the weights of the losses (`loss.WEIGHTS`), those of the distillation.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyper-parameters. Rates are peaks; minutes bound the wall time of a stage, its rate falls to 0 with them."""

    seed: int = 11
    added_words: tuple[tuple[str, int], ...] = (
        ("es", 12_000),
        ("fr", 8_000),
        ("de", 8_000),
        ("it", 7_500),
        ("pt", 7_500),
    )
    distil_batch: int = 96
    distil_rate_words: float = 8e-4
    distil_rate_layers: float = 5e-5
    split: int = 3  # layers below it are cached in the upper stage
    longest: int = 128
    batch_tokens: int = 2048
    dropout: float = 0.1
    weight_decay: float = 0.01
    warm_up: float = 1 / 15
    clip: float = 1.0
    smoothing: float = 0.03
    ordinal: float = 0.3  # weight of the distance between expected and true step, on rows of the five-step scale
    upper_rate: float = 2e-4
    upper_minutes: float = 8.0
    deep_rate: float = 1e-4
    deep_rate_lower: float = 5e-5
    deep_rate_heads: float = 3e-4
    deep_rate_words: float = 1e-4
    deep_rounds: int = 5
    deep_minutes: float = 60.0
    switched: float = 0.25  # share of English rows whose words are switched for those of another language
    blanked: float = 0.04  # share of a text's tokens that are hidden
    ease: float = 0.8  # how much of the activations' outliers goes into the weights before quantising

    def as_dict(self) -> dict[str, object]:
        """For the card and for telling whether a checkpoint belongs to this recipe."""
        return asdict(self)
