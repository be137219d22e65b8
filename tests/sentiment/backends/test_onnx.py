"""The bundled model as it is committed, and folders that only look like one."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentiment.backends.onnx import OnnxBackend
from sentiment.errors import ModelInvalid
from sentiment.labels import POLARITY
from sentiment.scorer import BUNDLED, Score, Scorer, Text

PLAIN = [
    ("I love flying with Delta, the crew was wonderful!", "Delta", "promoter"),
    ("Delta lost my luggage again, worst airline ever. Never flying with them again.", "Delta", "detractor"),
    ("Delta will open a new lounge in Seattle on Monday.", "Delta", "passive"),
    ("Me encanta Iberia, un servicio excelente y muy amables.", "Iberia", "promoter"),
    ("Iberia es horrible, han cancelado mi vuelo y nadie responde. Qué vergüenza.", "Iberia", "detractor"),
    ("El vuelo de Iberia a Madrid sale mañana a las ocho.", "Iberia", "passive"),
]


@pytest.mark.parametrize(("text", "brand", "label"), PLAIN)
def test_plain_cases(bundled: Scorer, text: str, brand: str, label: str) -> None:
    (score,) = bundled.score([Text(text, brand)])
    assert score.label == label
    tone = {"promoter": "positive", "passive": "neutral", "detractor": "negative"}[label]
    assert max(score.polarity, key=score.polarity.__getitem__) == tone


@pytest.mark.parametrize(("text", "brand", "label"), PLAIN)
def test_polarity_needs_no_target(bundled: Scorer, text: str, brand: str, label: str) -> None:
    (score,) = bundled.score([Text(text)])
    tone = {"promoter": "positive", "passive": "neutral", "detractor": "negative"}[label]
    assert max(score.polarity, key=score.polarity.__getitem__) == tone
    assert score.stance is score.label is None


def test_the_language_is_identified(bundled: Scorer) -> None:
    texts = [Text(PLAIN[0][0]), Text(PLAIN[4][0]), Text("ok"), Text("ok", lang="pt")]
    assert [score.lang for score in bundled.score(texts)] == ["en", "es", "und", "pt"]


def test_the_stance_depends_on_who_is_asked_about(bundled: Scorer) -> None:
    text = "JetBlue saved me after United left me stranded at the airport"
    saviour, culprit = (_expected(score) for score in bundled.score([Text(text, "JetBlue"), Text(text, "United")]))
    assert saviour > culprit + 0.1


def _expected(score: Score) -> float:
    assert score.stance is not None
    return sum(int(step) * chance for step, chance in score.stance.items())


def close(one: Score, other: Score) -> bool:
    """Whether two scores are one but for the order in which floating point numbers were added up."""
    pairs = [*zip(one.polarity.values(), other.polarity.values(), strict=True)]
    pairs += zip((one.stance or {}).values(), (other.stance or {}).values(), strict=True)
    return all(abs(ours - theirs) < 1e-4 for ours, theirs in pairs)


def test_one_by_one_or_together(bundled: Scorer) -> None:
    texts = [Text(text, brand) for text, brand, _ in PLAIN] * 3
    together = bundled.score(texts)
    assert [score.label for score in together] == [label for _, _, label in PLAIN] * 3
    for text, score in zip(texts[:6], together, strict=False):
        assert close(bundled.score([text])[0], score)


def test_scoring_again_gives_the_same(bundled: Scorer) -> None:
    texts = [Text(text, brand) for text, brand, _ in PLAIN]
    assert bundled.score(texts) == bundled.score(texts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "😡😡😡",
        "❤️",
        "\x00\x01",
        "\u202eabc\u202c",
        "\ud83d",
        "a" * 10_000,
        "很好" * 2_000,
        "@" * 5000,
        "&amp;" * 2000,
        "?!",
    ],
)
@pytest.mark.parametrize("target", [None, "Delta", "\x00", "😡" * 100, "한국" * 100])
def test_anything_can_be_scored(bundled: Scorer, text: str, target: str | None) -> None:
    (score,) = bundled.score([Text(text, target)])
    assert sum(score.polarity.values()) == pytest.approx(1, abs=1e-3)
    if score.stance:
        assert sum(score.stance.values()) == pytest.approx(1, abs=1e-3)


def test_a_heads_temperature_and_bias_are_applied(tmp_path: Path) -> None:
    plain = Scorer.open(with_manifest(tmp_path / "plain"))
    biased = Scorer.open(with_manifest(tmp_path / "biased", bias=[0.5, 0, -1], temperature=2))
    (before,), (after,) = (scorer.score([Text("Delta was late but kind", "Delta")]) for scorer in (plain, biased))
    raised = [chance**0.5 * math.exp(bias) for chance, bias in zip(before.polarity.values(), (0.5, 0, -1), strict=True)]
    assert list(after.polarity.values()) == pytest.approx([one / sum(raised) for one in raised], abs=1e-5)
    assert after.stance == pytest.approx(before.stance, abs=1e-5)


def with_manifest(tmp_path: Path, unsure: object = None, mentions: bool = False, **polarity: object) -> Path:
    """The bundled model, saying something else of itself."""
    shutil.copytree(BUNDLED, tmp_path, dirs_exist_ok=True)
    said = json.loads((tmp_path / "model.json").read_text())
    said["heads"]["polarity"] = {"labels": list(POLARITY), "kind": "one", **polarity}
    (tmp_path / "model.json").write_text(json.dumps(said | {"mentions": mentions, "unsure": unsure or {}}))
    return tmp_path


def test_unsure_is_what_the_folder_says_it_is(tmp_path: Path) -> None:
    scorer = Scorer.open(with_manifest(tmp_path, {"polarity": 1, "stance": 0}))
    without, toward = scorer.score([Text("Delta was late"), Text("Delta was late", "Delta")])
    assert (without.unsure, toward.unsure) == (True, False)


@pytest.mark.parametrize(("mentions", "expected"), [(True, [0, 2, 0, 2, 0]), (False, [0, 0, 0, 0, 0])])
def test_a_network_that_wants_it_is_shown_where_the_target_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mentions: bool, expected: list[int]
) -> None:
    backend = OnnxBackend(with_manifest(tmp_path, mentions=mentions))
    real, seen = backend._session, []

    class Watching:
        def run(self, names: list[str], given: dict[str, Any]) -> Any:
            seen.append(given["token_type_ids"].tolist())
            # This network was trained without: it has no place for a third segment.
            return real.run(names, given | {"token_type_ids": np.minimum(given["token_type_ids"], 1)})

    monkeypatch.setattr(backend, "_session", Watching())
    Scorer(backend).score([Text("Delta hates Delta", "Delta", "en")])
    assert seen == [[[*expected, 1, 1]]]


def test_pictures_have_a_meaning(bundled: Scorer) -> None:
    love, rage = bundled.score([Text("😍😍❤️"), Text("😡🤬😡")])
    assert love.polarity["positive"] > 0.5
    assert rage.polarity["negative"] > 0.5


@pytest.mark.parametrize("filler", ["Some filler about nothing at all. ", "x", "Una frase cualquiera. "])
def test_a_megabyte(bundled: Scorer, filler: str) -> None:
    half = filler * (500_000 // len(filler))
    (score,) = bundled.score([Text(f"{half} Delta is the worst airline ever, I hate Delta so much {half}", "Delta")])
    assert score.label == "detractor"


def test_a_folder_may_be_named(bundled: Scorer) -> None:
    scorer = Scorer.open(BUNDLED, revision=bundled.revision, threads=1)
    assert scorer.revision == bundled.revision
    assert scorer.model == "escucha-minilm"


def test_another_revision_is_refused(bundled: Scorer) -> None:
    with pytest.raises(ModelInvalid, match=f"holds revision {bundled.revision}, but deadbeef"):
        Scorer.open(BUNDLED, revision="deadbeef")


def test_the_bundled_folder_is_complete_and_small() -> None:
    assert {path.name for path in BUNDLED.iterdir()} == {"model.onnx", "tokenizer.json", "model.json", "README.md"}
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 45e6


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json"])
@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_damaged_folder(tmp_path: Path, name: str, content: bytes | None) -> None:
    folder = tmp_path / "model"
    shutil.copytree(BUNDLED, folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelInvalid) as caught:
        Scorer.open(folder)
    assert "\n" not in str(caught.value)
