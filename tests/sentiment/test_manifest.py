import json
from pathlib import Path
from typing import Any

import pytest

from sentiment import text
from sentiment.errors import ModelInvalid
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
            "emotions": {"labels": ["joy", "anger"], "kind": "any", "temperature": 2},
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
    assert found.labeller.languages["es"].promoter == 0.6


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (stored(format=99), "format 99"),
        (stored(normalisation=0), "normalised by version 0"),
        (stored(thresholds={}), "KeyError"),
        (stored(heads=None), "AttributeError"),
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
