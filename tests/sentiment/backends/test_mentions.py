import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.backends.mentions import MENTION, mark, special_ids

PAD, CLS, SEP = 0, 1, 2
SPECIAL = frozenset((PAD, CLS, SEP))


def marked(text: list[int], target: list[int] | None) -> str:
    """The new segments of `[CLS] text [SEP] target [SEP]`, one digit a token."""
    ids = [CLS, *text, SEP]
    segments = [0] * len(ids)
    if target is not None:
        ids += [*target, SEP]
        segments += [1] * (len(target) + 1)
    return "".join(map(str, mark(ids, segments, SPECIAL)))


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ([7, 8, 9], [8], "00200" + "11"),
        ([7, 8, 9], [7, 8, 9], "02220" + "1111"),
        ([8, 7, 8], [8], "02020" + "11"),
        ([7, 8, 7, 8, 9], [7, 8, 9], "000222" + "0" + "1111"),
        ([7, 7, 7], [7, 7], "02220" + "111"),  # overlapping
        ([7, 8], [8, 9], "0000" + "111"),  # only its first half
        ([7, 8], [9], "0000" + "11"),
        ([7, 8], [], "0000" + "1"),
        ([7, 8], None, "0000"),
        ([], [7], "00" + "11"),
    ],
)
def test_every_place_of_the_target_is_marked(text: list[int], target: list[int] | None, expected: str) -> None:
    assert marked(text, target) == expected


def test_the_rows_own_segments_stay_as_they_were() -> None:
    segments = [0, 0, 0, 1, 1]
    assert mark([CLS, 7, SEP, 7, SEP], segments, SPECIAL) == [0, 2, 0, 1, 1]
    assert segments == [0, 0, 0, 1, 1]


def test_marking_twice_changes_nothing() -> None:
    ids, segments = [CLS, 7, 8, SEP, 7, SEP], [0, 0, 0, 0, 1, 1]
    once = mark(ids, segments, SPECIAL)
    assert mark(ids, once, SPECIAL) == once


SOME = st.lists(st.integers(3, 5), max_size=12)


@given(text=SOME, target=st.lists(st.integers(3, 5), min_size=1, max_size=3))
def test_a_token_is_marked_just_when_an_occurrence_covers_it(text: list[int], target: list[int]) -> None:
    starts = [place for place in range(len(text)) if text[place : place + len(target)] == target]
    covered = {place for start in starts for place in range(start, start + len(target))}
    expected = [MENTION if place in covered else 0 for place in range(len(text))]
    ids = [CLS, *text, SEP, *target, SEP]
    segments = [0] * (len(text) + 2) + [1] * (len(target) + 1)
    assert mark(ids, segments, SPECIAL) == [0, *expected, 0] + [1] * (len(target) + 1)


def test_special_ids_are_those_the_tokenizer_has() -> None:
    assert special_ids({"[CLS]": 101, "[SEP]": 102, "[UNK]": 100}.get) == {101, 102}


def test_it_needs_no_library() -> None:
    code = (
        "import sys, sentiment.backends.mentions\n"
        "print([name for name in ('numpy', 'torch', 'onnxruntime', 'tokenizers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
