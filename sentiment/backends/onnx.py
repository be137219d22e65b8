"""ONNX Runtime on the CPU: the default, for model folders in our layout."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from sentiment.backends.base import Chances, Encoded, chances, pad
from sentiment.backends.mentions import mark, special_ids
from sentiment.batching import cores
from sentiment.errors import ModelInvalid
from sentiment.labels import Labeller, Unsure
from sentiment.manifest import TOKENIZER, WEIGHTS, Head, Manifest


class OnnxBackend:
    """A model folder, loaded. Inputs `input_ids`, `attention_mask`, `token_type_ids`; one output of logits per head."""

    pairs = True
    emoji_as_words = True

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        """`threads` run a batch each, 0 means one for each core. Raises ModelInvalid when the folder is not what it
        says."""
        manifest = Manifest.read(folder)
        self.parallel: int = threads or cores()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Every shape of a batch would be remembered for good, and hardly one comes twice.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._session = onnxruntime.InferenceSession(
                str(folder / WEIGHTS), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # both libraries raise classes of their own making, some of them plain Exception
            raise ModelInvalid(str(folder), _first_line(error)) from error
        outputs = {output.name for output in self._session.get_outputs()}
        if missing := set(manifest.heads) - outputs:
            raise ModelInvalid(str(folder), f"{WEIGHTS} has no output {', '.join(sorted(missing))}")
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        # Models exported before format 2 take 64 bits.
        self._kind = np.int32 if self._session.get_inputs()[0].type == "tensor(int32)" else np.int64
        self._filler = self._tokenizer.token_to_id("[PAD]") or 0
        self.name: str = manifest.name
        self.revision: str = manifest.revision
        self.max_length: int = manifest.max_length
        self.heads: Mapping[str, Head] = manifest.heads
        self.labeller: Labeller = manifest.labeller
        self.unsure: Unsure = manifest.unsure
        self._mentions = manifest.mentions
        self._special = special_ids(self._tokenizer.token_to_id)

    def count(self, words: list[str]) -> list[int]:
        """Tokens of each word."""
        return [len(row.ids) for row in self._tokenizer.encode_batch_fast(words, add_special_tokens=False)]

    def encode(self, inputs: Sequence[tuple[str, str | None]]) -> list[Encoded]:
        """Ids for (text, target) inputs, in order."""
        rows = self._tokenizer.encode_batch_fast([(text, target) if target else text for text, target in inputs])
        return [Encoded(row.ids, row.type_ids) for row in rows]

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        """Probabilities per head for one batch."""
        if self._mentions:
            rows = [Encoded(row.ids, mark(row.ids, row.segments, self._special)) for row in rows]
        ids, mask, segments = pad(rows, self._filler, self._kind)
        names = list(self.heads)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}
        logits = self._session.run(names, given)
        return {name: chances(np.asarray(found), self.heads[name]) for name, found in zip(names, logits, strict=True)}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
