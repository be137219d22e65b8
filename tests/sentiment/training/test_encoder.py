"""The written-out encoder against transformers, and what the heads read of it."""

from pathlib import Path

import pytest
import torch
from training.batches import pad
from training.encoder import ABOUT_TARGET, EMOTIONS, HEADS, Encoder, Model, Shape, load_backbone, sentence_vectors
from transformers import BertModel

TOKENS = [
    ([2, 5, 6, 3, 7, 3], [0, 0, 0, 0, 1, 1]),
    ([2, 9, 3], [0, 0, 0]),
    ([2, 7, 8, 9, 3, 7, 3], [0, 2, 0, 0, 0, 1, 1]),
]


def test_the_same_numbers_as_transformers(backbone: Path) -> None:
    theirs = BertModel.from_pretrained(backbone).eval()
    ours = load_backbone(backbone, split=2).eval()
    ids, mask, segments = pad(TOKENS[:2])
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        found = ours(ids, mask, segments)
    assert torch.allclose(found[mask.bool()], expected[mask.bool()], atol=1e-5)


def test_where_the_target_stands_starts_as_plain_text(backbone: Path) -> None:
    table = load_backbone(backbone).segment.weight
    assert table.shape == (3, 24)
    assert torch.equal(table[2], table[0])
    assert not torch.equal(table[1], table[0])


def test_the_layers_are_split_without_a_rest(model: Model) -> None:
    model.eval()
    ids, mask, segments = pad(TOKENS)
    with torch.no_grad():
        whole = model.encoder(ids, mask, segments)
        model.encoder.split = 2
        assert torch.equal(model.encoder.lower(ids, mask, segments), whole)
        assert torch.equal(model.encoder.upper(whole, mask), whole)


def test_every_question_has_its_outputs(model: Model) -> None:
    answers = model.eval()(*pad(TOKENS))
    assert [tuple(one.shape) for one in answers] == [(3, 3), (3, 5), (3, len(EMOTIONS)), *[(3, 1)] * 4]
    assert list(HEADS) == ["polarity", "stance", "emotions", "irony", "offensive", "complaint", "relevance"]


def test_padding_changes_nothing(model: Model) -> None:
    model.eval()
    with torch.no_grad():
        together = model(*pad(TOKENS))
        alone = [model(*pad([row])) for row in TOKENS]
    for head, found in enumerate(together):
        assert torch.allclose(found, torch.cat([one[head] for one in alone]), atol=1e-5)


def judged(model: Model, hidden: torch.Tensor, segments: list[int]) -> dict[str, torch.Tensor]:
    mask = torch.ones(1, len(segments), dtype=torch.long)
    return dict(zip(HEADS, model.judge(hidden, mask, torch.tensor([segments])), strict=True))


@pytest.mark.parametrize(("place", "moved"), [(4, ABOUT_TARGET), (1, tuple(HEADS)), (0, tuple(HEADS))])
def test_only_questions_about_the_target_read_it(model: Model, place: int, moved: tuple[str, ...]) -> None:
    hidden = torch.randn(1, 5, 16)
    other = hidden.clone()
    other[0, place] += 1.0
    segments = [0, 2, 0, 0, 1]
    before, after = judged(model, hidden, segments), judged(model, other, segments)
    assert tuple(name for name in HEADS if not torch.allclose(before[name], after[name])) == moved


def test_where_the_target_is_not_found_the_text_stands_for_its_place(model: Model) -> None:
    hidden = torch.randn(1, 5, 16)
    text, target = hidden[:, :4].mean(1), hidden[:, 4]
    stance = model.heads["stance"]
    unfound = stance(torch.cat((text, target, text), dim=1))
    assert torch.allclose(judged(model, hidden, [0, 0, 0, 0, 1])["stance"], unfound, atol=1e-6)
    found = stance(torch.cat((text, target, hidden[:, 1:3].mean(1)), dim=1))
    assert torch.allclose(judged(model, hidden, [0, 2, 2, 0, 1])["stance"], found, atol=1e-6)


def test_sentence_vectors_have_length_one_and_ignore_padding() -> None:
    hidden = torch.tensor([[[3.0, 4.0], [3.0, 4.0], [9.0, -9.0]]])
    found = sentence_vectors(hidden, torch.tensor([[1, 1, 0]]))
    assert torch.allclose(found, torch.tensor([[0.6, 0.8]]))


def test_dropout_thins_while_training_and_only_then() -> None:
    torch.manual_seed(0)
    encoder = Encoder(Shape(words=30, width=16, inner=32, layers=1, heads=2, positions=8), split=0)
    encoder.set_dropout(0.25)
    layer, ones = encoder.layers[0], torch.ones(100, 400)
    thinned = layer._thinned(ones)
    assert thinned.eq(0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert thinned.mean().item() == pytest.approx(1, abs=0.02)
    assert not torch.equal(layer._thinned(ones), thinned)
    assert torch.equal(encoder.eval().layers[0]._thinned(ones), ones)
