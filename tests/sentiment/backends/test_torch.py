"""Tiny checkpoints with random weights, made here: what is tested is the way from a checkpoint to scores."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from sentiment.errors import ModelInvalid, ModelNotFound
from sentiment.scorer import Scorer, Text

TEXTS = [
    Text("the flight was great", "acme", "en"),
    Text("bad", None, "en"),
    Text("", "acme"),
    Text("great " * 400, "acme"),
]


def make(folder: Path, labels: list[str], *, head: bool = True) -> Path:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "flight", "was", "great", "bad", "acme", "http", "@user"]
    raw = Tokenizer(models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer()
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=40, id2label=dict(enumerate(labels)),
    )  # fmt: skip
    (BertForSequenceClassification if head else BertModel)(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("labels", [["NEG", "NEU", "POS"], ["LABEL_0", "LABEL_1", "LABEL_2"], ["negative", "positive"]])
def test_a_polarity_checkpoint(tmp_path: Path, labels: list[str]) -> None:
    scorer = Scorer.open(make(tmp_path / "mine", labels))
    assert scorer.model == "mine"
    assert len(scorer.revision) == 12
    first, second, empty, long = scorer.score(TEXTS)
    assert sum(first.polarity.values()) == pytest.approx(1, abs=1e-5)
    assert first.stance is None
    assert first.label in ("promoter", "passive", "detractor")
    assert second.label is None
    assert empty.polarity["neutral"] == 1
    assert sum(long.polarity.values()) == pytest.approx(1, abs=1e-5)
    if len(labels) == 2:
        assert first.polarity["neutral"] == 0


def test_a_five_star_checkpoint_has_steps(tmp_path: Path) -> None:
    first, second, *_ = Scorer.open(make(tmp_path, [f"{n} star{'s' * (n > 1)}" for n in range(1, 6)])).score(TEXTS)
    assert first.stance is not None
    assert first.stance["-2"] + first.stance["-1"] == pytest.approx(first.polarity["negative"], abs=1e-5)
    assert second.stance is None


def test_alone_or_in_a_batch(tmp_path: Path) -> None:
    scorer = Scorer.open(make(tmp_path, ["NEG", "NEU", "POS"]))
    together = scorer.score(TEXTS)
    for text, score in zip(TEXTS, together, strict=True):
        (alone,) = scorer.score([text])
        assert alone.polarity == pytest.approx(score.polarity, abs=1e-5)


def test_the_revision_is_the_content(tmp_path: Path) -> None:
    one = Scorer.open(make(tmp_path / "a", ["NEG", "NEU", "POS"])).revision
    assert Scorer.open(make(tmp_path / "b", ["NEG", "NEU", "POS"])).revision == one
    assert Scorer.open(make(tmp_path / "c", ["POS", "NEU", "NEG"])).revision != one
    assert Scorer.open(tmp_path / "a", revision=one).revision == one
    with pytest.raises(ModelInvalid, match="deadbeef is asked for"):
        Scorer.open(tmp_path / "a", revision="deadbeef")


def test_labels_that_are_no_sentiment_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match=r"\['joy', 'anger', 'fear'\] are no sentiment"):
        Scorer.open(make(tmp_path, ["joy", "anger", "fear"]))


def test_a_checkpoint_without_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid, match="no trained classifier"):
        Scorer.open(make(tmp_path, ["NEG", "NEU", "POS"], head=False))


def test_a_broken_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelInvalid) as caught:
        Scorer.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_hub_id_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # no test asks the network
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="nor in the local cache") as caught:
        Scorer.open("nobody/no-such-model")
    assert "\n" not in str(caught.value)
    assert "nobody/no-such-model" in str(caught.value)
