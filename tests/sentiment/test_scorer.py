"""What surrounds the network: order, windows, batches, labels. The network itself only counts `good` and `bad`."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.backends.base import Encoded
from sentiment.errors import ModelInvalid, ModelNotFound
from sentiment.labels import POLARITY, STEPS, Unsure
from sentiment.manifest import Head
from sentiment.scorer import Scorer, Text


def test_importing_loads_no_network_library() -> None:
    code = (
        "import sys, sentiment.scorer, sentiment.rows\n"
        "heavy = 'torch', 'transformers', 'onnxruntime', 'tokenizers', 'py3langid'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_with_a_target_there_is_a_stance_and_a_label(counting: Any) -> None:
    (score,) = Scorer(counting).score([Text("good good bad", "acme", "en")])
    assert score.polarity == pytest.approx({"negative": 1 / 3, "neutral": 0, "positive": 2 / 3})
    assert score.stance is not None
    assert list(score.stance) == ["-2", "-1", "0", "1", "2"]
    assert score.label == "promoter"
    assert (score.lang, score.model, score.revision) == ("en", "counting", "1")
    assert score.emotions is score.irony is score.offensive is score.complaint is score.relevance is None


@pytest.mark.parametrize("target", [None, "", "  ", "@", "\u200b"])
def test_without_a_target_there_is_only_polarity(counting: Any, target: str | None) -> None:
    (score,) = Scorer(counting).score([Text("bad", target)])
    assert score.polarity["negative"] == 1
    assert score.stance is score.label is None


@pytest.mark.parametrize("text", ["", "   ", "\u200b\x00", "\ud83d"])
def test_nothing_to_read_is_neutral(counting: Any, text: str) -> None:
    (score,) = Scorer(counting).score([Text(text, "acme")])
    assert score.polarity == {"negative": 0, "neutral": 1, "positive": 0}
    assert score.stance == {"-2": 0, "-1": 0, "0": 1, "1": 0, "2": 0}
    assert score.label == "passive"
    assert counting.seen == []


def test_no_texts(counting: Any) -> None:
    assert Scorer(counting).score([]) == []


def test_as_dict_is_ready_for_json(counting: Any) -> None:
    (score,) = Scorer(counting).score([Text("good", "acme", "en")])
    names = "polarity stance label unsure emotions irony offensive complaint relevance lang model revision"
    assert " ".join(score.as_dict()) == names


ALL = {
    "polarity": Head(POLARITY),
    "stance": Head(STEPS),
    "emotions": Head(("joy", "anger"), "any"),
    "irony": Head(("irony",), "any"),
    "offensive": Head(("offensive",), "any"),
    "complaint": Head(("complaint",), "any"),
    "relevance": Head(("relevance",), "any"),
}


@pytest.fixture
def knowing(counting_class: type[Any]) -> Any:
    """A model with every head; what it says beside polarity and stance is always the same."""

    class Knowing(counting_class):  # type: ignore[misc]
        heads = ALL
        unsure = Unsure(polarity=0.7, stance=0.6)

        def run(self, rows: Sequence[Encoded]) -> dict[str, Any]:
            fixed = {"emotions": (0.75, 0.25), "irony": [0.125], "offensive": [0.25], "complaint": [0.5]}
            said = super().run(rows) | {
                name: np.tile(np.array(chances, np.float32), (len(rows), 1)) for name, chances in fixed.items()
            }
            said["relevance"] = np.full((len(rows), 1), 0.625, np.float32)
            return {name: said[name] for name in self.heads}

    return Knowing()


def test_every_head_has_its_place_in_the_score(knowing: Any) -> None:
    about, nothing = Scorer(knowing).score([Text("good", "acme", "en"), Text("good", None, "en")])
    assert about.emotions == {"joy": 0.75, "anger": 0.25}
    assert (about.irony, about.offensive, about.complaint, about.relevance) == (0.125, 0.25, 0.5, 0.625)
    assert (nothing.emotions, nothing.irony, nothing.relevance) == (about.emotions, 0.125, None)


def test_of_a_text_with_nothing_to_read_nothing_is_true(knowing: Any) -> None:
    (score,) = Scorer(knowing).score([Text("", "acme", "en")])
    assert score.emotions == {"joy": 0, "anger": 0}
    assert (score.irony, score.offensive, score.complaint, score.relevance) == (0, 0, 0, 0)
    assert score.unsure is False


@pytest.mark.parametrize(
    ("text", "target", "unsure"),
    [
        ("good good bad", "acme", False),  # its likeliest side has two thirds
        ("good good bad", None, True),
        ("good bad", "acme", True),
        ("good good good bad", None, False),
    ],
)
def test_unsure_goes_by_the_stance_and_without_a_target_by_the_polarity(
    knowing: Any, text: str, target: str | None, unsure: bool
) -> None:
    (score,) = Scorer(knowing).score([Text(text, target, "en")])
    assert score.unsure is unsure


def test_without_a_stance_head_unsure_goes_by_the_polarity(knowing: Any) -> None:
    knowing.heads = {"polarity": Head(POLARITY)}
    (score,) = Scorer(knowing).score([Text("good good bad", "acme", "en")])
    assert (score.stance, score.unsure) == (None, True)


SOME = st.sampled_from(["good", "bad", "", "so " * 9 + "good", "word " * 40 + "bad"])


@given(texts=st.lists(SOME, max_size=30), size=st.integers(1, 9))
def test_order_is_kept_whatever_the_batches(counting_class: Any, texts: list[str], size: int) -> None:
    counting = counting_class()
    scores = Scorer(counting, batch_size=size).score([Text(text, None, "en") for text in texts])
    expected = [1 if "good" in text.split() else 0 for text in texts]
    # A long text is averaged over its windows: its one word of feeling is a part of the whole, but not nothing.
    assert [score.polarity["positive"] > 0 for score in scores] == [bool(one) for one in expected]
    assert all(list(score.polarity) == ["negative", "neutral", "positive"] for score in scores)
    assert all(len(batch) <= size for batch in counting.batches)


def test_batches_hold_rows_of_like_length(counting: Any) -> None:
    texts = [Text(f"{number} " + "w " * (number % 10), None, "en") for number in range(100)]
    Scorer(counting, batch_size=10).score(texts)
    assert all(max(batch) - min(batch) <= 1 for batch in counting.batches)


def test_a_long_text_is_read_around_the_brand(counting: Any) -> None:
    text = "bad " * 50 + "good good good acme good good good " + "bad " * 50
    (score,) = Scorer(counting).score([Text(text, "Acme", "en")])
    assert score.label == "promoter"
    assert all("acme" in part for part in counting.seen[1:])


def test_the_callers_spans_are_believed(counting: Any) -> None:
    text = "bad " * 50 + "good good good they good good good " + "bad " * 50
    start = text.index("they")
    (score,) = Scorer(counting).score([Text(text, "Acme", "en", ((start, start + 4),))])
    assert score.label == "promoter"


def test_without_a_brand_the_windows_are_averaged(counting: Any) -> None:
    (score,) = Scorer(counting).score([Text("good " * 12 + "bad " * 12, None, "en")])
    assert score.polarity == pytest.approx({"negative": 0.5, "neutral": 0, "positive": 0.5})


def test_the_target_takes_its_room(counting: Any) -> None:
    long_name = "a b c d e f"
    (score,) = Scorer(counting).score([Text("bad " * 100 + long_name + " good" * 100, long_name, "en")])
    assert score.stance is not None


def test_an_endless_target_is_cut(counting_class: Any) -> None:
    backend = counting_class(max_length=64)
    (score,) = Scorer(backend).score([Text("good " * 100, "a " * 5000, "en")])
    assert score.label == "promoter"


def test_a_model_without_pairs_never_sees_the_target(counting_class: Any) -> None:
    backend = counting_class(pairs=False)
    (score,) = Scorer(backend).score([Text("good", "bad", "en")])
    assert score.polarity["positive"] == 1
    assert score.label == "promoter"


def test_progress_counts_every_text_once(counting: Any) -> None:
    told: list[int] = []
    Scorer(counting).score([Text("good", None, "en")] * 1200, progress=told.append)
    assert sum(told) == 1200
    assert len(told) > 1


@pytest.mark.parametrize("asked", ["/no/such/folder", "./models/x", "~/nothing/here", "a/b/c", Path("relative")])
def test_a_missing_folder(asked: str | Path) -> None:
    with pytest.raises(ModelNotFound, match="there is no such folder") as caught:
        Scorer.open(asked)
    assert str(asked) in str(caught.value)
    assert "ESCUCHA_MODEL" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="neither model"):
        Scorer.open(tmp_path)


def rows_judged(counting: Any) -> int:
    """How many rows the network has seen so far."""
    return sum(map(len, counting.batches))


class Shelf:
    """A stored cache: a dictionary that notes what is put into it."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def get_many(self, revision: str, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        return {key: self.held[key] for key in keys if key in self.held}

    def put_many(self, revision: str, chances: Mapping[bytes, bytes]) -> None:
        self.held |= chances


def test_a_text_that_repeats_within_a_call_is_judged_once(counting: Any) -> None:
    first, second, other = Scorer(counting).score([Text("good bad good", "acme", lang) for lang in ("en", "es", "en")])
    assert rows_judged(counting) == 1
    assert first == other
    assert (first.lang, second.lang) == ("en", "es")  # what is not the network's is each text's own


def test_a_text_is_another_one_beside_another_target(counting: Any) -> None:
    Scorer(counting, remembered=9).score([Text("good", target, "en") for target in ("acme", "bad", None, "good")])
    assert rows_judged(counting) == 4


def test_what_is_remembered_is_not_judged_again_and_scores_the_same(counting: Any) -> None:
    scorer = Scorer(counting, remembered=2)
    texts = [Text("good bad bad", "acme", "en"), Text("bad " * 40, "acme", "en")]
    fresh = scorer.score(texts)
    judged = rows_judged(counting)
    assert scorer.score(texts) == fresh
    assert rows_judged(counting) == judged


def test_without_a_memory_a_text_is_judged_in_every_call(counting: Any) -> None:
    scorer = Scorer(counting)
    for _ in range(2):
        scorer.score([Text("good", None, "en")])
    assert rows_judged(counting) == 2


def test_what_repeats_is_known_to_the_next_process(counting_class: Any) -> None:
    shelf, texts = Shelf(), [Text("good bad", None, "en"), Text("bad", None, "en"), Text("good bad", None, "en")]
    fresh = Scorer(counting_class(), stored=shelf).score(texts)
    assert len(shelf.held) == 1
    later = counting_class()
    assert Scorer(later, stored=shelf).score(texts) == fresh
    assert rows_judged(later) == 1


def test_a_score_may_be_changed_by_its_owner_without_changing_the_next(counting: Any) -> None:
    scorer = Scorer(counting, remembered=2)
    (score,) = scorer.score([Text("good", None, "en")])
    score.polarity["positive"] = 7
    assert scorer.score([Text("good", None, "en")])[0].polarity["positive"] == 1
