"""`model.json`, the part of a model folder that says what the network's outputs mean.

A folder in our layout holds `model.onnx`, `tokenizer.json`, `model.json` and the card `README.md`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from sentiment import text
from sentiment.errors import ModelInvalid
from sentiment.labels import POLARITY, STEPS, Labeller, Unsure

FILE = "model.json"
WEIGHTS = "model.onnx"
TOKENIZER = "tokenizer.json"
FORMAT = 2

SINGLE = ("irony", "offensive", "complaint", "relevance")
"""The heads with one label, whose probability is the answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """One question the model answers.

    `labels` name its outputs in order. `one` of them is true (softmax), or `any` number (sigmoid each), of the logits
    divided by `temperature` plus `bias` (one number a label; none at all are zeros).
    """

    labels: tuple[str, ...]
    kind: Literal["one", "any"] = "one"
    temperature: float = 1.0
    bias: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder says about itself.

    `mentions`: the network wants to see where in the text the target stands (`sentiment.backends.mentions`).
    """

    name: str
    revision: str
    max_length: int
    heads: Mapping[str, Head]
    labeller: Labeller
    unsure: Unsure
    mentions: bool

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """From `model.json` in `folder`. Raises ModelInvalid when it is broken or was made for other code than this."""
        asked = str(folder)
        try:
            stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if stored["format"] != FORMAT:
                raise ModelInvalid(asked, f"{FILE} has format {stored['format']}, this version reads {FORMAT}")
            if stored["normalisation"] != text.VERSION:
                made = (
                    f"trained on text normalised by version {stored['normalisation']}, this version does {text.VERSION}"
                )
                raise ModelInvalid(asked, made)
            return cls(
                name=str(stored["name"]),
                revision=str(stored["revision"]),
                max_length=int(stored["max_length"]),
                heads=_heads(stored["heads"]),
                labeller=Labeller.parse(stored["thresholds"]),
                unsure=_unsure(stored.get("unsure", {})),
                mentions=_flag("mentions", stored.get("mentions", False)),
            )
        except _Wrong as error:
            raise ModelInvalid(asked, f"{FILE}: {error}") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelInvalid(asked, f"{FILE} is not as it should be ({type(error).__name__}: {error})") from error


class _Wrong(Exception):
    """What is wrong, in words."""


def _heads(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Head]:
    if "polarity" not in stored:
        raise _Wrong("there is no head polarity, which every model must have")
    return {name: _head(name, head) for name, head in stored.items()}


def _head(name: str, stored: Mapping[str, Any]) -> Head:
    labels = stored["labels"]
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) and label for label in labels):
        raise _Wrong(f"the labels of {name} must be a list of names")
    if len(set(labels)) < len(labels):
        raise _Wrong(f"the labels of {name} name one twice")
    kind: Literal["one", "any"] = "one" if name in ("polarity", "stance") else "any"
    if stored["kind"] != kind:
        raise _Wrong(f"the kind of {name} must be {kind!r}, not {stored['kind']!r}")
    _check_labels(name, labels)
    temperature = _number(f"the temperature of {name}", stored.get("temperature", 1.0))
    if temperature <= 0:
        raise _Wrong(f"the temperature of {name} must be above 0, not {temperature:g}")
    given = stored.get("bias", [])
    if not isinstance(given, list) or len(given) not in (0, len(labels)):
        raise _Wrong(f"the bias of {name} must be a list of {len(labels)} numbers, one a label")
    return Head(tuple(labels), kind, temperature, tuple(_number(f"the bias of {name}", one) for one in given))


def _check_labels(name: str, labels: list[str]) -> None:
    """The labels that a question of this name must have; of emotions any will do."""
    fixed = {"polarity": POLARITY, "stance": STEPS}
    if name in fixed and set(labels) != set(fixed[name]):
        raise _Wrong(f"the labels of {name} must be {', '.join(fixed[name])}")
    if name in SINGLE and len(labels) != 1:
        raise _Wrong(f"{name} must have one label, not {len(labels)}")
    if name not in (*fixed, *SINGLE, "emotions"):
        raise _Wrong(f"nobody asks for a head {name}; known are {', '.join((*fixed, 'emotions', *SINGLE))}")


def _unsure(stored: Mapping[str, Any]) -> Unsure:
    if not isinstance(stored, dict) or not set(stored) <= {"polarity", "stance"}:
        raise _Wrong("unsure must be an object with polarity, stance or both")
    least = {name: _number(f"unsure {name}", given) for name, given in stored.items()}
    for name, value in least.items():
        if not 0 <= value <= 1:
            raise _Wrong(f"unsure {name} must be a probability, not {value:g}")
    return Unsure(**least)


def _number(what: str, value: object) -> float:
    # True and false are numbers to Python, and NaN is one to its JSON.
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _Wrong(f"{what} must be a number, not {value!r}")
    return float(value)


def _flag(what: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{what} must be true or false, not {value!r}")
    return value
