"""The trainer from the command line: what it refuses, and a whole training on next to nothing."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from training.encoder import HEADS, load_backbone

SCRIPT = Path(__file__).parents[3] / "scripts" / "train_model.py"


@pytest.fixture
def main() -> Callable[[list[str]], int]:
    import train_model

    return train_model.main


def test_help_names_the_ways() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for option in ("--data", "--work", "--out", "--threads", "--device", "--seed", "--upper-minutes", "--deep-rounds"):
        assert option in done.stdout


def test_data_must_be_given(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "--data" in capsys.readouterr().err


def test_a_missing_data_folder_is_one_line(
    main: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path / "none"), "--work", str(tmp_path / "work")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no data folder" in told
    assert not (tmp_path / "work").exists()


def test_missing_files_are_named(
    main: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "polarity/semeval2017a.train.jsonl" in told
    assert "bilingual/words_pt.tsv" in told


def test_words_of_other_languages_are_added(trained: Path, backbone: Path) -> None:
    tokenizer = Tokenizer.from_file(str(trained / "tokenizer.json"))
    assert tokenizer.encode("el vuelo fue genial", add_special_tokens=False).tokens == ["el", "vuelo", "fue", "genial"]
    notes = json.loads((trained / "words.json").read_text())
    english = Tokenizer.from_file(str(backbone / "tokenizer.json"))
    assert notes["added"] == tokenizer.get_vocab_size() - english.get_vocab_size()
    weights = torch.load(trained / "distilled.pt", weights_only=True)
    assert len(weights["word.weight"]) == tokenizer.get_vocab_size()
    switches = json.loads((trained / "switches.json").read_text())
    assert {lang: words["flight"] for lang, words in switches.items()} == {
        "es": ["vuelo"], "fr": ["vol"], "de": ["flug"], "it": ["volo"], "pt": ["voo"],
    }  # fmt: skip


def test_both_stages_are_trained_to_the_end(trained: Path, backbone: Path) -> None:
    upper, deep = (torch.load(trained / f"{name}.pt", weights_only=True) for name in ("upper", "deep"))
    start = torch.load(trained / "distilled.pt", weights_only=True)
    assert upper["finished"]
    assert deep["finished"]
    assert upper["step"] > 0
    assert deep["step"] > 0
    words, lower, top = "encoder.word.weight", "encoder.layers.0.mix.weight", "encoder.layers.3.mix.weight"
    assert torch.equal(upper["model"][words], start["word.weight"])
    assert torch.equal(upper["model"][lower], start["layers.0.mix.weight"])
    assert not torch.equal(upper["model"][top], start["layers.3.mix.weight"])
    assert not torch.equal(deep["model"][lower], upper["model"][lower])
    assert not torch.equal(deep["model"][words], upper["model"][words])
    assert torch.equal(start["layers.3.mix.weight"], load_backbone(backbone).state_dict()["layers.3.mix.weight"])
    assert {name.split(".")[1] for name in deep["model"] if name.startswith("heads")} == set(HEADS)


def test_another_recipe_needs_another_folder(trained: Path, train: Callable[..., int]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train(trained, "--seed", "12")
    assert "another recipe" in str(stopped.value.code)


def test_what_is_done_is_not_done_again(
    trained: Path, train: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in trained.glob("*.pt")}
    assert train(trained) == 0
    assert {path.name: path.read_bytes() for path in trained.glob("*.pt")} == before
    told = capsys.readouterr().out
    assert "rows, " in told
    assert "distillation" not in told
    assert "loss" not in told
