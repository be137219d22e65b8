"""What surrounds the network: order, windows, batches, labels. The network itself only counts `good` and `bad`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.errors import ModelInvalid, ModelNotFound
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
    names = "polarity stance label emotions irony offensive complaint relevance lang model revision"
    assert " ".join(score.as_dict()) == names


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
    texts = [Text("w " * (1 + number % 10), None, "en") for number in range(100)]
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
