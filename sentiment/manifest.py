"""`model.json`, the part of a model folder that says what the network's outputs mean.

A folder in our layout holds `model.onnx`, `tokenizer.json`, `model.json` and the card `README.md`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sentiment import text
from sentiment.errors import ModelInvalid
from sentiment.labels import Labeller

FILE = "model.json"
WEIGHTS = "model.onnx"
TOKENIZER = "tokenizer.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Head:
    """One question the model answers.

    `labels` name its outputs in order. `one` of them is true (softmax), or `any` number (sigmoid each). Logits are
    divided by `temperature` first.
    """

    labels: tuple[str, ...]
    kind: Literal["one", "any"] = "one"
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder says about itself."""

    name: str
    revision: str
    max_length: int
    heads: Mapping[str, Head]
    labeller: Labeller

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
            heads = {
                name: Head(tuple(head["labels"]), head["kind"], float(head.get("temperature", 1.0)))
                for name, head in stored["heads"].items()
            }
            labeller = Labeller.parse(stored["thresholds"])
            return cls(str(stored["name"]), str(stored["revision"]), int(stored["max_length"]), heads, labeller)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelInvalid(asked, f"{FILE} is not as it should be ({type(error).__name__}: {error})") from error
