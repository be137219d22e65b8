import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.windows import MOST_SPANS, MOST_WINDOWS, find_spans, placed_windows, windows


def found(text: str, target: str) -> list[str]:
    return [text[start:end] for start, end in find_spans(text, target)]


@pytest.mark.parametrize(
    ("text", "target", "places"),
    [
        ("I like Delta. DELTA!", "delta", ["Delta", "DELTA"]),
        ("@VirginAmerica and virgin-america", "Virgin America", ["@VirginAmerica", "virgin-america"]),
        ("#iberiaexpress, Ibéria", "Iberia", ["#iberiaexpress", "Ibéria"]),
        ("@SpotifyCares help", "Spotify", ["@SpotifyCares"]),
        ("deltas and plasma", "delta", []),
        ("Müller, MÜLLER und Mueller", "muller", ["Müller", "MÜLLER"]),
        ("AT&T is down, at & t", "AT&T", ["AT&T", "at & t"]),
        ("anything", "", []),
        ("anything", "!!", []),
        ("C++ (really) [x]", "c++", ["C"]),
    ],
)
def test_where_a_brand_stands(text: str, target: str, places: list[str]) -> None:
    assert found(text, target) == places


def test_a_brand_is_found_anywhere_in_a_long_text() -> None:
    for at in (65_530, 65_536, 131_072, 400_001):
        text = "x " * (at // 2) + "Ácme rocks " + "y " * 40_000
        assert found(text, "acme") == ["Ácme"]


def test_spans_are_bounded() -> None:
    assert len(find_spans("acme " * 100_000, "acme")) == MOST_SPANS


def cut(text: str, spans: list[tuple[int, int]], budget: int = 10) -> list[str]:
    return windows(text, spans, budget=budget, clean=str, count=lambda words: [1] * len(words))


def test_the_brand_stands_in_the_middle() -> None:
    text = " ".join(map(str, range(100)))
    start = text.index("50")
    assert cut(text, [(start, start + 2)]) == ["45 46 47 48 49 50 51 52 53 54"]


def test_at_the_edges_the_other_side_gets_the_room() -> None:
    text = " ".join(map(str, range(10, 100)))
    assert cut(text, [(0, 2)]) == ["10 11 12 13 14 15 16 17 18 19"]
    assert cut(text, [(len(text) - 2, len(text))]) == ["90 91 92 93 94 95 96 97 98 99"]


def test_near_places_share_a_window() -> None:
    text = "a b brand c brand d" + " e" * 50
    assert len(cut(text, [(4, 9), (12, 17)])) == 1


def test_without_a_brand_the_whole_is_covered() -> None:
    text = " ".join(map(str, range(35)))
    assert " ".join(cut(text, [])).split() == text.split()


def test_too_many_windows_are_thinned_evenly() -> None:
    text = " ".join(map(str, range(1000)))
    parts = cut(text, [])
    assert len(parts) == MOST_WINDOWS
    assert parts[0].startswith("0 ")
    assert parts[-1].endswith(" 999")


def test_a_very_long_text_is_sampled_from_one_end_to_the_other() -> None:
    text = " ".join(map(str, range(200_000)))
    parts = cut(text, [])
    assert len(parts) == MOST_WINDOWS
    assert all(int(part.split()[0]) // 25_000 == number for number, part in enumerate(parts))  # whole words, evenly


def test_scripts_without_spaces_are_cut_too() -> None:
    parts = windows("很好" * 300, [], budget=20, clean=str, count=lambda words: [len(word) for word in words])
    assert all(0 < len(part.replace(" ", "")) <= 20 for part in parts)


@pytest.mark.parametrize("spans", [[(-5, 0)], [(9, 2)], [(10**9, 10**9 + 1)], [(0, 10**9)]])
def test_spans_out_of_place_do_no_harm(spans: list[tuple[int, int]]) -> None:
    assert cut("some words here", spans)[0]


def test_nothing_to_read() -> None:
    assert cut("", []) == []
    assert windows("a b", [], budget=9, clean=lambda _: "", count=lambda words: [1] * len(words)) == []


WORDS = st.lists(st.text("abc🙂é", min_size=1, max_size=8), min_size=1, max_size=80)


@given(before=WORDS, after=WORDS, budget=st.integers(3, 30), repeat=st.integers(1, 400))
def test_no_window_loses_the_brand(before: list[str], after: list[str], budget: int, repeat: int) -> None:
    head = " ".join(before * repeat)
    text = f"{head} ZYX {' '.join(after * repeat)}"
    span = len(head) + 1, len(head) + 4
    parts = cut(text, [span], budget)
    assert len(parts) == 1
    assert "ZYX" in parts[0].split()
    assert len(parts[0].split()) <= budget


@given(text=st.text(max_size=300), budget=st.integers(1, 20))
def test_windows_stay_within_their_budget(text: str, budget: int) -> None:
    parts = cut(text, [], budget)
    assert len(parts) <= MOST_WINDOWS
    assert all(0 < len(part.split()) <= budget for part in parts)


def test_a_window_knows_where_its_words_stand() -> None:
    text = "so  good! \u200b acme"
    (places,) = placed_windows(
        text, [], budget=9, clean=lambda word: word.strip("\u200b"), count=lambda words: [1] * len(words)
    )
    assert [text[start:end] for start, end in places] == ["so", "good!", "acme"]
