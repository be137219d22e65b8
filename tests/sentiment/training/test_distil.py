"""Added words learn from parallel sentences, and nothing else moves that should not."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from training.distil import distil, found_among, read_pairs, vectors
from training.encoder import load_backbone
from training.recipe import Recipe

SENTENCES = [
    ("the late flight", "el tarde"),
    ("great food", "buena"),
    ("the dog", "perro"),
    ("acme was late", "acme z"),
]
PAIRS = SENTENCES * 8


def test_pairs_are_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "sentences.tsv"
    path.write_text('en\tes\tfr\n"Hi," he said\t"Hola\tSalut\nshort\tcorto\nlate\t\ttard\nbye\tadiós\tsalut\n')
    assert read_pairs(path, "es") == [('"Hi," he said', '"Hola'), ("bye", "adiós")]
    assert read_pairs(path, "fr") == [('"Hi," he said', "Salut"), ("late", "tard"), ("bye", "salut")]


def test_translations_found_and_how_near_they_are() -> None:
    theirs = torch.eye(3)
    ours = torch.tensor([[1.0, 0, 0], [0, 0.6, 0.8], [0, 0, 1.0]])
    assert found_among(ours, theirs) == (pytest.approx(2 / 3), pytest.approx((1 + 0.6 + 1) / 3))


def test_vectors_come_in_the_order_of_the_texts(backbone: Path, tokenizer: Tokenizer) -> None:
    encoder = load_backbone(backbone)
    texts = ["the great flight was late and the dog", "dog", "late flight"]
    together = vectors(encoder, tokenizer, texts)
    for text, vector in zip(texts, together, strict=True):
        assert vectors(encoder, tokenizer, [text])[0] @ vector > 0.999
    assert together.norm(dim=1) == pytest.approx(torch.ones(3), abs=1e-5)


def test_foreign_sentences_move_to_their_english_ones(backbone: Path, tokenizer: Tokenizer) -> None:
    student = load_backbone(backbone, split=2)
    before = {name: value.clone() for name, value in student.state_dict().items()}
    anchors = vectors(student, tokenizer, [first for first, _ in PAIRS])
    foreign = [other for _, other in SENTENCES]
    _, far = found_among(vectors(student, tokenizer, foreign), anchors[:4])
    steps: list[tuple[int, int]] = []
    recipe = replace(Recipe(), distil_batch=4, distil_rate_words=2e-2, distil_rate_layers=2e-3)
    distil(student, tokenizer, PAIRS, anchors, recipe, lambda step, of, _: steps.append((step, of)))
    assert steps == [(number, 8) for number in range(1, 9)]
    _, near = found_among(vectors(student, tokenizer, foreign), anchors[:4])
    assert near > far
    changed = {name for name, value in student.state_dict().items() if not torch.equal(value, before[name])}
    assert {name.split(".")[0] for name in changed} == {"word", "layers"}
    assert {name.split(".")[1] for name in changed if name.startswith("layers")} == {"0", "1"}
    unseen = tokenizer.token_to_id("delta")
    assert torch.equal(student.word.weight[unseen], before["word.weight"][unseen])
    assert all(parameter.requires_grad for parameter in student.parameters())
