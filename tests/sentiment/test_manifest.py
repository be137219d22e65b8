import json
from pathlib import Path
from typing import Any

import pytest

from sentiment import text
from sentiment.errors import ModelInvalid
from sentiment.labels import Unsure
from sentiment.manifest import FILE, FORMAT, Manifest


def stored(**changes: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": "tiny",
        "revision": "abc",
        "normalisation": text.VERSION,
        "max_length": 64,
        "heads": {
            "polarity": {"labels": ["negative", "neutral", "positive"], "kind": "one"},
            "emotions": {"labels": ["joy", "anger"], "kind": "any", "temperature": 2, "bias": [0.5, -1]},
        },
        "thresholds": {"default": {"promoter": 0.5, "detractor": 0.4}, "es": {"promoter": 0.6, "detractor": 0.4}},
        **changes,
    }


def write(folder: Path, content: object) -> Path:
    (folder / FILE).write_text(json.dumps(content))
    return folder


def test_what_a_folder_says_of_itself(tmp_path: Path) -> None:
    found = Manifest.read(write(tmp_path, stored()))
    assert (found.name, found.revision, found.max_length) == ("tiny", "abc", 64)
    assert found.heads["emotions"].labels == ("joy", "anger")
    assert found.heads["emotions"].temperature == 2
    assert found.heads["emotions"].bias == (0.5, -1)
    assert found.heads["polarity"].bias == ()
    assert (found.unsure, found.mentions) == (Unsure(), False)
    assert found.labeller.languages["es"].promoter == 0.6


def test_what_it_need_not_say(tmp_path: Path) -> None:
    found = Manifest.read(write(tmp_path, stored(unsure={"stance": 0.5}, mentions=True)))
    assert (found.unsure, found.mentions) == (Unsure(stance=0.5), True)


def with_head(name: str, **head: Any) -> dict[str, Any]:
    """A folder with one more head, or another polarity: one of the right kind unless said otherwise."""
    content = stored()
    content["heads"][name] = {"labels": [name], "kind": "any", **head}
    return content


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (stored(heads={"irony": {"labels": ["irony"], "kind": "any"}}), "no head polarity"),
        (with_head("weather"), "nobody asks for a head weather"),
        (with_head("irony", labels=["yes", "no"]), "irony must have one label, not 2"),
        (with_head("irony", labels=[]), "labels of irony must be a list of names"),
        (with_head("irony", labels="irony"), "labels of irony must be a list of names"),
        (with_head("emotions", labels=["joy", "joy"]), "labels of emotions name one twice"),
        (with_head("irony", kind="one"), "kind of irony must be 'any', not 'one'"),
        (with_head("stance", kind="one"), "labels of stance must be -2, -1, 0, 1, 2"),
        (with_head("polarity", kind="one", labels=["good", "bad"]), "labels of polarity must be negative, neutral"),
        (with_head("irony", temperature=0), "temperature of irony must be above 0, not 0"),
        (with_head("irony", temperature="hot"), "temperature of irony must be a number, not 'hot'"),
        (with_head("irony", temperature=float("nan")), "temperature of irony must be a number, not nan"),
        (with_head("irony", bias=[0, 1]), "bias of irony must be a list of 1 numbers"),
        (with_head("irony", bias=0.5), "bias of irony must be a list of 1 numbers"),
        (with_head("irony", bias=[True]), "bias of irony must be a number, not True"),
        (stored(unsure=0.5), "unsure must be an object"),
        (stored(unsure={"irony": 0.5}), "unsure must be an object with polarity, stance or both"),
        (stored(unsure={"stance": 1.5}), "unsure stance must be a probability, not 1.5"),
        (stored(mentions="yes"), "mentions must be true or false, not 'yes'"),
        (stored(format=99), "format 99"),
        (stored(normalisation=0), "normalised by version 0"),
        (stored(thresholds={}), "KeyError"),
        (stored(heads=None), "TypeError"),
        (stored(thresholds=None), "AttributeError"),
        (stored(max_length="long"), "ValueError"),
        ([], "TypeError"),
    ],
)
def test_a_broken_one_says_what_is_wrong(tmp_path: Path, content: object, why: str) -> None:
    with pytest.raises(ModelInvalid, match=why) as caught:
        Manifest.read(write(tmp_path, content))
    assert str(tmp_path) in str(caught.value)


def test_no_json(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ModelInvalid):
        Manifest.read(tmp_path)
