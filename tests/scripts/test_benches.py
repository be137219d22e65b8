"""What the benchmarks make of their texts and of what they measured."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import bench_api
import bench_memory
import bench_scoring
import page_addresses
from bench_scoring import BATCHED, PAIR, Way


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two files of five mentions, one of them in both."""
    (tmp_path / "replay").mkdir()
    for name, words in (("a", "zero one two three four"), ("b", "four five six seven eight")):
        rows = [json.dumps({"text": word, "target": "Acme"}) + "\n" for word in words.split()]
        (tmp_path / "replay" / f"{name}.jsonl").write_text("".join(rows))
    return tmp_path


def test_tweets_are_different_ones_from_all_over(data: Path) -> None:
    assert [text.text for text in bench_scoring.tweets(data, 3)] == ["zero", "three", "six"]
    assert {text.target for text in bench_scoring.tweets(data, 9)} == {"Acme"}


@pytest.mark.parametrize("main", [bench_scoring.main, bench_memory.main])
def test_a_folder_without_texts_is_one_line(
    main: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "replay/*.jsonl" in said
    assert str(tmp_path) in said


def test_ratios_are_taken_within_a_round() -> None:
    ways = [Way(name, 2, lambda: None) for name in (PAIR, BATCHED, "ours")]
    # The machine was twice as fast in the last round: the ratios do not know.
    pair, batched, ours = bench_scoring.summary(ways, [[10, 20, 100], [10, 25, 100], [20, 40, 200]])
    assert (pair["to_one_by_one"], batched["to_batches_of_32"]) == (1, 1)
    assert (ours["texts_a_second"], ours["to_one_by_one"], ours["to_batches_of_32"]) == (100, 10, 5)


def test_texts_for_memory_are_all_different_and_some_enormous(tmp_path: Path) -> None:
    bench_memory.write(tmp_path / "in.jsonl", [{"text": "good", "target": "Acme"}, {"text": "bad"}], 40, 2)
    texts = [json.loads(line)["text"] for line in (tmp_path / "in.jsonl").read_text().splitlines()]
    assert len(set(texts)) == 40
    assert sum(len(text) > 900_000 for text in texts) == 2
    assert texts[0] == "good 0"


@pytest.mark.parametrize(
    ("samples", "growth"),
    [([100, 300, 400, 400, 400, 400, 400, 400], 0), ([100, 200, 200, 200, 250, 250, 300, 300], 0.5), ([70], 0)],
)
def test_growth_is_that_of_the_last_quarter_over_the_second(samples: list[int], growth: float) -> None:
    assert bench_memory.growth_of(samples) == pytest.approx(growth)


def test_resident_memory_of_a_process_and_of_none() -> None:
    assert bench_memory.resident(os.getpid()) > 10
    assert bench_memory.resident(2**22 + 1) == 0


def test_a_list_that_takes_ten_times_as_long_with_ten_times_as_many_is_seen() -> None:
    flat, steep = (
        bench_api.Asked("flat", ["/", "/"], [[10, 11, 12], [11, 10, 12]]),
        bench_api.Asked("steep", ["/", "/"]),
    )
    steep.took = [[10.0, 10.0, 30.0], [100.0, 90.0, 110.0]]
    rows = [bench_api.summary(flat), bench_api.summary(steep)]
    assert [row["ratio"] for row in rows] == [1.0, 10.0]
    assert rows[1]["p50_ms"] == [10.0, 100.0]
    assert bench_api.shown(rows).splitlines()[1].startswith("steep")


KNOWN = ("alert_id", "source_id", "brand_id", "collection_id", "user_id", "mention_id", "rule", "kind", "name")


def test_a_page_that_nobody_knows_an_example_for_is_an_error() -> None:
    assert "/sign-in" in page_addresses.pages(dict.fromkeys(KNOWN, 1))
    with pytest.raises(KeyError, match=r"alert_id: say which one"):
        page_addresses.pages({name: 1 for name in KNOWN if name != "alert_id"})
    assert "/api/v1/alerts/7" in page_addresses.lists({"alert_id": 7})
