from collections import Counter
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from training.vocabulary import Glosses, choose, count_words, extend, first_values

WORDS = ["[PAD]", "[UNK]", "flight", "late", "dog", "the", "ca", "##ne", "##la", "##do"]


@pytest.fixture
def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.enable_padding(length=16)  # as the backbone's own file does
    return made


@pytest.fixture
def glosses(tokenizer: Tokenizer, tmp_path: Path) -> Glosses:
    path = tmp_path / "words.tsv"
    lines = [
        "vuelo\tn\tfly|flight\t",
        "perro\tn\tobsolete form of dog|hound|dog\t",
        "perros\tn\t\tperro",
        "tarde\tadv\tlate\t",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    english = Counter({"flight": 50, "fly": 2, "dog": 40, "late": 10})
    pairs = [("the flight", "el vuelo"), ("the dog", "el perro")] * 3
    return Glosses(path, tokenizer, english, pairs)


def test_words_are_counted_as_the_tokenizer_sees_them(tokenizer: Tokenizer) -> None:
    assert count_words(tokenizer, ["Año, AÑO!"]) == {"ano": 2, ",": 1, "!": 1}


def test_words_that_english_has_too_are_not_chosen() -> None:
    theirs, english = Counter(vuelo=10, hotel=10, ca=9, tarde=5, rare=1), Counter(hotel=10, rest=24)
    assert choose(theirs, english, frozenset(("ca",)), 5) == ["vuelo", "tarde"]
    assert choose(theirs, english, frozenset(("ca",)), 1) == ["vuelo"]


@pytest.mark.parametrize(
    ("word", "first"),
    [("vuelo", "flight"), ("vuelos", "flight"), ("perro", "dog"), ("perros", "dog"), ("tuvo", "had"), ("zzz", None)],
)
def test_the_likeliest_gloss_comes_first(glosses: Glosses, word: str, first: str | None) -> None:
    assert (glosses.of(word) or [None])[0] == first


def test_added_words_are_whole_and_start_from_their_glosses(tokenizer: Tokenizer, glosses: Glosses) -> None:
    table = torch.nn.functional.normalize(torch.eye(len(WORDS)) + 0.01, dim=1)
    words = ["tarde", "canelado"]
    values, glossed = first_values(table, tokenizer, words, glosses)
    assert glossed == 1
    assert torch.allclose(values[0], table[WORDS.index("late")], atol=1e-5)
    assert values[1].topk(4).indices.sort().values.tolist() == [6, 7, 8, 9]  # the mean of its old pieces
    assert torch.allclose(values.norm(dim=1), table.norm(dim=1).mean().expand(2))
    wider = extend(tokenizer, words)
    assert wider.encode("Canelado tarde").tokens == ["canelado", "tarde"]
    assert wider.get_vocab_size() == len(WORDS) + 2
