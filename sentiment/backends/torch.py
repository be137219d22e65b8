"""Any Hugging Face sequence-classification checkpoint about sentiment, by torch; on a GPU when there is one."""

import hashlib
from collections.abc import Mapping, Sequence
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from sentiment.backends.base import Chances, Encoded, chances
from sentiment.checkpoints import LabelMap, map_labels
from sentiment.errors import ModelInvalid, ModelNotFound
from sentiment.labels import POLARITY, STEPS, Labeller, Thresholds, Unsure
from sentiment.manifest import Head

_MOST_TOKENS = 512  # longer inputs are possible with some checkpoints, but windows of this size serve as well
_HASHED = ("*.safetensors", "*.bin", "config.json", "tokenizer.json", "vocab.txt")


class TorchBackend:
    """A checkpoint, loaded. It knows polarity (five-step ones also a stance); it reads no target."""

    pairs = False
    emoji_as_words = False
    parallel = 1  # torch spreads one batch over cores or the GPU by itself

    def __init__(self, name: str, revision: str, network: Any, tokenizer: Any, meaning: LabelMap) -> None:
        self.name: str = name
        self.revision: str = revision
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network = network.to(self._device).eval()
        self._tokenizer = tokenizer
        self._meaning = meaning
        self._raw = Head(tuple(map(str, range(len(meaning.polarity)))))
        heads = {"polarity": Head(POLARITY)}
        if meaning.stance is not None:
            heads["stance"] = Head(STEPS)
        self.heads: Mapping[str, Head] = heads
        self.labeller: Labeller = Labeller(Thresholds(), {})
        self.unsure: Unsure = Unsure()  # nobody measured where such a checkpoint stops knowing
        # RoBERTa's position table has two rows that no token uses; not every tokenizer states its limit.
        room = getattr(network.config, "max_position_embeddings", None) or _MOST_TOKENS
        self.max_length: int = max(8, min(_MOST_TOKENS, room - 2, tokenizer.model_max_length))

    @classmethod
    def open(cls, asked: str, folder: Path | None, *, revision: str | None, threads: int) -> "TorchBackend":
        """Load from a local `folder`, or from the hub: its cache first, then the network unless HF_HUB_OFFLINE says no.

        Raises ModelNotFound or ModelInvalid.
        """
        if threads:
            torch.set_num_threads(threads)
        getLogger("huggingface_hub").setLevel(ERROR)  # it would report every retry; the error that we raise says enough
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        if folder:
            network, tokenizer, missing = _load(str(folder), asked, None, local=True)
            found = _content_hash(folder)
            if revision and revision != found:
                raise ModelInvalid(asked, f"the folder's content has revision {found}, but {revision} is asked for")
        else:
            network, tokenizer, missing = _from_hub(asked, revision)
            found = str(getattr(network.config, "_commit_hash", None) or revision or "unknown")[:12]
        if missing:
            raise ModelInvalid(
                asked, f"it has no trained classifier (missing weights: {', '.join(sorted(missing)[:3])})"
            )
        labels = {int(number): str(label) for number, label in network.config.id2label.items()}
        meaning = map_labels(labels)
        if meaning is None:
            raise ModelInvalid(asked, f"its labels {list(labels.values())} are no sentiment that we know")
        return cls(folder.name if folder else asked, found, network, tokenizer, meaning)

    def count(self, words: list[str]) -> list[int]:
        """Tokens of each word."""
        return [len(ids) for ids in self._tokenizer(words, add_special_tokens=False)["input_ids"]]

    def encode(self, inputs: Sequence[tuple[str, str | None]]) -> list[Encoded]:
        """Ids of the texts, in order; targets are not read."""
        found = self._tokenizer([text for text, _ in inputs])["input_ids"]
        return [Encoded(ids, [0] * len(ids)) for ids in found]

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        """Probabilities per head for one batch."""
        padded = self._tokenizer.pad({"input_ids": [list(row.ids) for row in rows]}, return_tensors="pt")
        with torch.inference_mode():
            logits = self._network(**{name: values.to(self._device) for name, values in padded.items()}).logits
        found = chances(logits.float().cpu().numpy(), self._raw)
        heads = {"polarity": np.asarray(found @ self._meaning.polarity)}
        if self._meaning.stance is not None:
            heads["stance"] = np.asarray(found @ self._meaning.stance)
        return heads


def _from_hub(asked: str, revision: str | None) -> tuple[Any, Any, set[str]]:
    """From the local cache, which needs no network and no answer from the hub; else from the hub."""
    try:
        return _load(asked, asked, revision, local=True)
    except ModelNotFound:
        return _load(asked, asked, revision, local=False)


def _load(source: str, asked: str, revision: str | None, *, local: bool) -> tuple[Any, Any, set[str]]:
    """Network, tokenizer and the names of weights that the checkpoint does not have."""
    given: dict[str, Any] = {"revision": revision or "main", "local_files_only": local}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **given)
        network, loading = AutoModelForSequenceClassification.from_pretrained(source, output_loading_info=True, **given)
    except OSError as error:  # transformers says so both when nothing is there and when the hub cannot be reached
        if Path(source).is_dir():
            raise ModelInvalid(asked, _first_line(error)) from error
        why = f"it is neither a folder, nor in the local cache, and the hub gave nothing: {_first_line(error)}"
        raise ModelNotFound(asked, why) from error
    except (ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
        raise ModelInvalid(asked, _first_line(error)) from error
    return network, tokenizer, set(loading["missing_keys"]) | {key for key, *_ in loading["mismatched_keys"]}


def _content_hash(folder: Path) -> str:
    """Twelve hex digits that change with the checkpoint's weights, configuration or tokenizer."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _HASHED for path in folder.glob(pattern)}):
        digest.update(path.name.encode())
        with path.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
