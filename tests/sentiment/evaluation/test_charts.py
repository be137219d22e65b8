"""Charts are drawings of the figures, well-formed, with nothing of strangers' in them that acts."""

from xml.etree import ElementTree

import numpy as np
import pytest

from sentiment.evaluation.charts import INK, draw
from sentiment.evaluation.choices import Choices, Sampling, choice_figures, with_more
from sentiment.evaluation.results import Confusion, Figures

TITLE = "<script>alert('a & b')</script> \x00\x1b[31m\n\udc80.jsonl"

HARMLESS = {"svg", "style", "rect", "g", "path", "text", "line", "defs", "clipPath"}


@pytest.fixture(scope="module")
def figures() -> Figures:
    chances = np.array([[0.8, 0.1, 0.1], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]])
    rows = Choices(
        names=("negative", "neutral", "positive"),
        truth=np.array([0, 1, 2, 2]),
        said=chances.argmax(1),
        chances=chances,
        langs=["en"] * 4,
        targets=(),
        unsure=np.array([False, False, False, True]),
    )
    more = Confusion("<b>label", ("</text><script>", "\x07two"), ((1234, 0), (0, 0)))
    return with_more(choice_figures(rows, "macro_f1", Sampling(resamples=0)), (), [more])


@pytest.fixture(scope="module")
def drawing(figures: Figures) -> str:
    found = draw(figures, TITLE)
    assert found
    return found


def words(drawing: str) -> list[str]:
    return [(text.text or "") for text in ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]


def test_it_is_an_image_that_runs_and_fetches_nothing(drawing: str) -> None:
    for element in ElementTree.fromstring(drawing).iter():
        assert element.tag.rpartition("}")[2] in HARMLESS
        assert not [name for name in element.attrib if name.startswith("on") or name.endswith("href")]
    assert "<script" not in drawing


def test_strangers_text_is_shown_as_it_is_but_for_what_no_image_can_hold(drawing: str) -> None:
    shown = words(drawing)
    assert "<script>alert('a & b')</script> \ufffd\ufffd[31m\ufffd\ufffd.jsonl" in shown
    assert "Confusion: <b>label" in shown
    assert "</text><script>" in shown
    assert "\ufffdtwo" in shown


def test_all_charts_are_there(drawing: str) -> None:
    shown = words(drawing)
    assert {"Reliability", "Unsure ones left out", "Confusion", "negative", "positive", "1,234"} <= set(shown)


def test_on_dark_pages_ink_and_paper_change(drawing: str) -> None:
    style = next(ElementTree.fromstring(drawing).iter("{http://www.w3.org/2000/svg}style")).text or ""
    assert style.startswith("@media (prefers-color-scheme: dark){")
    assert f'[fill="{INK}"]{{fill:#e6edf3}}' in style
    # The rules speak of what is drawn.
    assert f'fill="{INK}"' in drawing.partition("</style>")[2]
    assert 'fill="#ffffff"' in drawing.partition("</style>")[2]


def test_of_nothing_there_is_no_drawing() -> None:
    assert draw(Figures("auc", (), ()), "ratings") is None
