import pytest

from alerts.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_stored_name_and_a_sentence(reason: Reason) -> None:
    assert reason.value == reason.name.lower()
    assert Reason(reason.value) is reason
    assert f"{reason}" == reason.value
    assert reason.sentence[0].isupper()
    assert reason.sentence.endswith(".")
    assert " " in reason.sentence


def test_sentences_differ() -> None:
    assert len({reason.sentence for reason in Reason}) == len(Reason)
