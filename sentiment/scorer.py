"""Texts and brands in, scores out: one path for one text or for many.

Importing this imports no network library; `Scorer.open` does.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from sentiment import manifest
from sentiment.backends.base import Backend, Encoded
from sentiment.batching import Runner
from sentiment.cache import Cache, Chances, ScoreCache, key_of
from sentiment.errors import ModelInvalid, ModelNotFound
from sentiment.explain import Explanation, explain, measured
from sentiment.labels import POLARITY, STEPS, Label, steps_of_polarity
from sentiment.language import identify
from sentiment.occlusion import Reading, joined
from sentiment.text import fold, normalise, normalise_word
from sentiment.windows import Span, find_spans, placed_windows, windows

BUNDLED = Path(__file__).parent / "models" / "escucha-minilm"
_HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
_SHORT = 2_000  # characters up to which a text is tried whole before it is cut into windows
_CHUNK = 512  # texts in work at a time
_MOST_TARGET_TOKENS = 32


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be scored.

    `target` is the brand; without one there is a polarity, but no stance. `lang` is identified when absent. `spans`
    are the characters [start, end) where the brand stands, for callers who know; they matter for long texts only.
    """

    text: str
    target: str | None = None
    lang: str | None = None
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Probabilities, and the label they lead to. None is what was not asked (no target) or the model cannot tell."""

    polarity: dict[str, float]  # negative, neutral, positive
    stance: dict[str, float] | None  # "-2" .. "2"
    label: Label | None
    unsure: bool  # the likeliest stance (without a target: tone) is too unlikely to rely on
    emotions: dict[str, float] | None
    irony: float | None
    offensive: float | None
    complaint: float | None
    relevance: float | None
    lang: str
    model: str
    revision: str

    def as_dict(self) -> dict[str, object]:
        """All fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A text as the model will read it: nothing left of it, or one or more windows beside the (cut) target."""

    windows: list[str]
    target: str | None
    lang: str


class Scorer:
    """A model, ready to score. Not safe to share between threads that score at once."""

    def __init__(
        self, backend: Backend, *, batch_size: int = 32, remembered: int = 0, stored: ScoreCache | None = None
    ) -> None:
        """`remembered` texts are kept in memory for when they come again, and those that do in `stored`."""
        self._backend = backend
        self._runner = Runner(backend, batch_size)
        self._cache = Cache(backend.revision, remembered, stored)

    @classmethod
    def open(
        cls, model: str | Path | None = None, *, revision: str | None = None, threads: int = 0, batch_size: int = 32,
        remembered: int = 0, stored: ScoreCache | None = None,
    ) -> "Scorer":  # fmt: skip
        """Load a model.

        `model` is None for the bundled one, a folder in our layout (run by ONNX Runtime), or a Hugging Face
        sequence-classification checkpoint: a local folder or a hub id, run by torch. `revision` pins a hub id to a
        commit, tag or branch; of a folder in our layout it must be the revision that it holds. `threads` is for the
        CPU, 0 means one for each core. `remembered` and `stored` are as in `Scorer`. Raises ModelNotFound or
        ModelInvalid.
        """
        backend = _open_backend(model or BUNDLED, revision, threads)
        return cls(backend, batch_size=batch_size, remembered=remembered, stored=stored)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._backend.name

    @property
    def revision(self) -> str:
        """What tells this state of the model from any other: a content hash, or a hub commit."""
        return self._backend.revision

    def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Score]:
        """A score for each text, in the order given. `progress` is told how many more texts are done, now and then.

        A text with nothing in it to read (empty, or only invisible characters) is neutral by definition. A model
        without a stance head gives no stance; its label is then the polarity of the text around the brand (of a
        checkpoint that rates with stars, the five steps).
        """
        scores: list[Score] = []
        for prepared, rows in self._read_ahead([texts[at : at + _CHUNK] for at in range(0, len(texts), _CHUNK)]):
            scores.extend(self._score_chunk(prepared, rows))
            if progress:
                progress(len(prepared))
        return scores

    def explain(self, text: Text) -> Explanation:
        """Which words moved the stance (without one: the polarity), with the score and the brand's places beside them.

        Costs as much as scoring a few dozen short texts, however long this one is. None of it is remembered.
        """
        (prepared,), (rows,) = self._prepare([text])

        def judge(rows: Sequence[Encoded]) -> list[list[float]]:
            return self._unpacked(self._judge([[row] for row in rows])) if rows else []

        def weigh(found: Sequence[list[float]]) -> list[float]:
            return [measured(self._assemble(prepared, chances))[1] for chances in found]

        found = judge(rows)
        inside = ((max(0, start), min(len(text.text), end)) for start, end in self._spans(text, prepared.target))
        reading = Reading(
            text=text.text,
            brand=joined(span for span in inside if span[0] < span[1]) if prepared.target else [],
            windows=self._places(text, prepared),
            costs=[len(row.ids) for row in rows],
            values=weigh(found),
            clean=self._clean(prepared.target),
            encode=lambda windows: [
                _shortened(row, self._backend.max_length)
                for _, row in self._encode([replace(prepared, windows=windows)])
            ],
            weigh=lambda rows: weigh(judge(rows)),
        )
        score = self._assemble(prepared, np.mean(found, axis=0).tolist() if found else None)
        return explain(text.target if prepared.target else None, score, reading)

    def _read_ahead(self, chunks: Sequence[Sequence[Text]]) -> Iterator[tuple[list[_Prepared], list[list[Encoded]]]]:
        """Each chunk prepared; where batches run beside each other, the next one is while this one is judged."""
        if len(chunks) < 2 or self._backend.parallel < 2:
            yield from map(self._prepare, chunks)
            return
        with ThreadPoolExecutor(1, "read") as reader:
            coming = reader.submit(self._prepare, chunks[0])
            for chunk in chunks[1:]:
                ready = coming.result()
                coming = reader.submit(self._prepare, chunk)
                yield ready
            yield coming.result()

    def _score_chunk(self, prepared: Sequence[_Prepared], rows: Sequence[Sequence[Encoded]]) -> Iterator[Score]:
        read = [place for place, windows in enumerate(rows) if windows]
        keys = [key_of(self.model, self.revision, ((row.ids, row.segments) for row in rows[place])) for place in read]
        found = self._cache.through(keys, lambda wanted: self._judge([rows[read[place]] for place in wanted]))
        by_place = dict(zip(read, self._unpacked(found), strict=True))
        for place, text in enumerate(prepared):
            yield self._assemble(text, by_place.get(place))

    def _prepare(self, texts: Sequence[Text]) -> tuple[list[_Prepared], list[list[Encoded]]]:
        """The texts as the model reads them, and the encoded windows of each."""
        prepared = [self._whole(text) for text in texts]
        rows: list[list[Encoded]] = [[] for _ in texts]
        for place, encoded in self._encode(prepared):
            if len(encoded.ids) <= self._backend.max_length:
                rows[place].append(encoded)
        long = [place for place in range(len(texts)) if not rows[place]]
        for place in long:
            prepared[place] = self._windowed(texts[place], prepared[place])
        for place, encoded in self._encode([prepared[place] for place in long]):
            rows[long[place]].append(_shortened(encoded, self._backend.max_length))
        return prepared, rows

    def _whole(self, text: Text) -> _Prepared:
        """The text in one piece, or without a window yet when it is certainly too long for that."""
        target = self._cut_target(text.target)
        lang = text.lang or identify(text.text)
        if len(text.text) > _SHORT:
            return _Prepared([], target, lang)
        read = normalise(text.text, target, emoji=self._backend.emoji_as_words)
        return _Prepared([read] if read else [], target, lang)

    def _windowed(self, text: Text, prepared: _Prepared) -> _Prepared:
        """A long text in windows that leave room for the target."""
        found = windows(
            text.text,
            self._spans(text, prepared.target),
            budget=self._budget(prepared.target),
            clean=self._clean(prepared.target),
            count=self._backend.count,
        )
        return _Prepared(found, prepared.target, prepared.lang)

    def _places(self, text: Text, prepared: _Prepared) -> list[list[Span]]:
        """Where the words of each window stand in the text."""
        clean = self._clean(prepared.target)
        whole = [word.span() for word in re.finditer(r"\S+", text.text[:_SHORT]) if clean(word[0])]
        if prepared.windows == [" ".join(clean(text.text[start:end]) for start, end in whole)]:
            return [whole]
        return placed_windows(
            text.text,
            self._spans(text, prepared.target),
            budget=self._budget(prepared.target),
            clean=clean,
            count=self._backend.count,
        )

    def _spans(self, text: Text, target: str | None) -> Sequence[Span]:
        return text.spans or (find_spans(text.text, target) if target else ())

    def _budget(self, target: str | None) -> int:
        """Tokens that the target and four special ones leave to the text."""
        beside = self._backend.count([target])[0] if target and self._backend.pairs else 0
        return self._backend.max_length - 4 - beside

    def _clean(self, target: str | None) -> Callable[[str], str]:
        """What makes of a word in the text what is read of it."""
        own = fold(target) if target else ""
        return lambda word: normalise_word(word, own, self._backend.emoji_as_words)

    def _cut_target(self, target: str | None) -> str | None:
        """A brand is a few words; what is longer is shortened so that the text keeps its room."""
        name = normalise(target[:200].strip().lstrip("@#")) if target else ""
        while name and self._backend.count([name])[0] > _MOST_TARGET_TOKENS:
            name = name[: len(name) // 2].strip()
        return name or None

    def _encode(self, prepared: Sequence[_Prepared]) -> Iterator[tuple[int, Encoded]]:
        """Encoded windows with the number of their text."""
        pairs = self._backend.pairs
        inputs = [
            (place, window, text.target if pairs else None)
            for place, text in enumerate(prepared)
            for window in text.windows
        ]
        encoded = self._backend.encode([(window, target) for _, window, target in inputs]) if inputs else []
        return ((place, row) for (place, _, _), row in zip(inputs, encoded, strict=True))

    def _judge(self, texts: Sequence[Sequence[Encoded]]) -> list[Chances]:
        """What the network says of each text, all heads in their order, packed: the mean over the text's windows."""
        owners = np.repeat(np.arange(len(texts)), [len(windows) for windows in texts])
        found = self._runner.run([row for windows in texts for row in windows])
        sums = np.zeros((len(texts), sum(len(head.labels) for head in self._backend.heads.values())), "<f4")
        np.add.at(sums, owners, np.concatenate([found[name] for name in self._backend.heads], axis=1))
        return [row.tobytes() for row in sums / np.bincount(owners)[:, None].astype("<f4")]

    def _unpacked(self, found: Sequence[Chances]) -> list[list[float]]:
        """Probabilities of all heads in their order, of each text."""
        width = sum(len(head.labels) for head in self._backend.heads.values())
        chances: list[list[float]] = np.frombuffer(b"".join(found), "<f4").reshape(-1, width).tolist()
        return chances

    def _assemble(self, text: _Prepared, chances: Sequence[float] | None) -> Score:
        """The score that `chances` (all heads in their order) lead to; None for a text with nothing to read."""
        named: dict[str, dict[str, float]] = {}
        start = 0
        for name, head in self._backend.heads.items():
            end = start + len(head.labels)
            named[name] = dict(zip(head.labels, chances[start:end] if chances else [0.0] * (end - start), strict=True))
            start = end
        if not chances:
            named["polarity"] = dict(zip(POLARITY, (0.0, 1.0, 0.0), strict=True))
            if "stance" in named:
                named["stance"] = {step: float(step == "0") for step in STEPS}
        stance = named.get("stance") if text.target else None
        label: Label | None = None
        if text.target:
            label = self._backend.labeller.label(stance or steps_of_polarity(named["polarity"]), text.lang)
        unsure = self._backend.unsure

        def single(name: str) -> float | None:
            return next(iter(named[name].values())) if name in named else None

        return Score(
            polarity=named["polarity"],
            stance=stance,
            label=label,
            unsure=unsure.of_stance(stance) if stance else unsure.of_polarity(named["polarity"]),
            emotions=named.get("emotions"),
            irony=single("irony"),
            offensive=single("offensive"),
            complaint=single("complaint"),
            relevance=single("relevance") if text.target else None,
            lang=text.lang,
            model=self.model,
            revision=self.revision,
        )


def _shortened(row: Encoded, length: int) -> Encoded:
    """A row within `length`. Windows are made to fit; this is for words that a tokenizer counts differently alone."""
    if len(row.ids) <= length:
        return row
    over = len(row.ids) - length
    # The cut is taken from the end of the text, which is the first segment, before its closing special token.
    end = next((place for place, segment in enumerate(row.segments) if segment), len(row.ids)) - 1
    keep = [place for place in range(len(row.ids)) if not end - over <= place < end]
    return Encoded([row.ids[place] for place in keep], [row.segments[place] for place in keep])


def look_for(model: str | Path | None, revision: str | None = None) -> str:
    """What `Scorer.open` would open, in words; nothing is loaded or downloaded, and a hub id is taken at its word.

    Raises ModelNotFound or ModelInvalid for what shows without loading.
    """
    folder = _folder(model or BUNDLED)
    if folder is None:
        return f"{model} from the local cache or the hub" + (f", revision {revision}" if revision else ", not pinned")
    if not (folder / manifest.FILE).is_file():
        return f"the checkpoint in {folder}"
    found = manifest.Manifest.read(folder)
    for name in (manifest.WEIGHTS, manifest.TOKENIZER):
        if not (folder / name).is_file():
            raise ModelInvalid(str(folder), f"the folder holds no {name}")
    if revision and revision != found.revision:
        raise ModelInvalid(str(folder), f"it holds revision {found.revision}, but {revision} is asked for")
    return f"{found.name}, revision {found.revision}"


def _folder(model: str | Path) -> Path | None:
    """Where the model lies; None for a hub id. Raises ModelNotFound or ModelInvalid."""
    asked = str(model)
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in (manifest.FILE, "config.json")):
            raise ModelInvalid(asked, f"the folder holds neither {manifest.FILE} (ours) nor config.json (transformers)")
        return folder
    if isinstance(model, Path) or not _HUB_ID.fullmatch(asked) or asked.startswith("."):
        raise ModelNotFound(asked, "there is no such folder")
    return None


def _open_backend(model: str | Path, revision: str | None, threads: int) -> Backend:
    asked = str(model)
    folder = _folder(model)
    if folder is not None and (folder / manifest.FILE).is_file():
        from sentiment.backends.onnx import OnnxBackend

        backend = OnnxBackend(folder, threads=threads)
        if revision and revision != backend.revision:
            raise ModelInvalid(asked, f"it holds revision {backend.revision}, but {revision} is asked for")
        return backend
    from sentiment.backends.torch import TorchBackend

    return TorchBackend.open(asked, folder, revision=revision, threads=threads)
