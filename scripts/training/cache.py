"""Outputs of the frozen lower layers, computed once and kept in a file (bfloat16, mapped into memory)."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from training.batches import Tokens, in_chunks, pad
from training.encoder import Encoder


class LowerCache:
    """Hidden states of every row below the split, end to end: row `i` is `table[starts[i]:starts[i + 1]]`."""

    def __init__(self, path: Path, tokens: Sequence[Tokens], width: int, key: str) -> None:
        """`key` names weights and rows; a finished file with the same key is used as it is."""
        lengths = torch.tensor([len(ids) for ids, _ in tokens])
        self.tokens = tokens
        self.starts = torch.cat((torch.zeros(1, dtype=torch.long), lengths.cumsum(0))).tolist()
        self._note = path.with_suffix(".json")
        self._key = {"key": key, "rows": len(tokens)}
        self.complete = self._note.exists() and json.loads(self._note.read_text()) == self._key
        if not self.complete:
            self._note.unlink(missing_ok=True)
        size = self.starts[-1] * width
        self.table = torch.from_file(str(path), shared=True, size=size, dtype=torch.bfloat16).view(-1, width)

    @torch.no_grad()
    def fill(self, encoder: Encoder, progress: Callable[[int, int], None], batch: int = 128) -> None:
        """Run the lower layers over all rows, unless that was done before."""
        if self.complete:
            return
        encoder.eval()
        device = encoder.word.weight.device
        order = sorted(range(len(self.tokens)), key=lambda place: len(self.tokens[place][0]))
        for chunk in in_chunks(len(order), batch):
            places = [order[place] for place in chunk]
            ids, mask, segments = (part.to(device) for part in pad([self.tokens[place] for place in places]))
            with torch.autocast(device.type, torch.bfloat16):
                hidden = encoder.lower(ids, mask, segments).to(torch.bfloat16).cpu()
            for row, place in enumerate(places):
                start, end = self.starts[place], self.starts[place + 1]
                self.table[start:end] = hidden[row, : end - start]
            progress(chunk.stop, len(order))
        self._note.write_text(json.dumps(self._key))
        self.complete = True

    def get(self, places: Sequence[int]) -> Tensor:
        """Hidden states (rows, longest of them, width) as float32, zeros where a row is shorter."""
        longest = max(len(self.tokens[place][0]) for place in places)
        hidden = torch.zeros(len(places), longest, self.table.shape[1], dtype=torch.bfloat16)
        for row, place in enumerate(places):
            start, end = self.starts[place], self.starts[place + 1]
            hidden[row, : end - start] = self.table[start:end]
        return hidden.float()
