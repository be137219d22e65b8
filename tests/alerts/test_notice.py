import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notice import QUOTE_LIMIT, Notice, build, for_test, key_of
from alerts.pipeline import Decision
from alerts.reasons import Reason

OPENED = Decision("notify", Reason.INCIDENT_OPENED, "opened", 1, ("log",))
GREW = Decision("notify", Reason.INCIDENT_GREW, "grew", 25, ("log",))


def test_an_opening_says_why(a_mention, an_incident):
    notice = build(an_incident(), a_mention(), OPENED, because="90% likely", incident_url="http://x/1")
    assert (notice.kind, notice.why, notice.incident_url) == ("opened", "New: 90% likely.", "http://x/1")
    assert (notice.mention.text, notice.mention.probability) == ("Aeroluz lost my bag again", pytest.approx(0.9))


def test_growth_says_how_many_since_when(a_mention, an_incident):
    notice = build(an_incident(count=1234), a_mention(), GREW)
    assert notice.why == "1,234 mentions since 2026-11-21 12:00 UTC; the latest: 90% likely a detractor."


def test_an_opening_told_late_says_how_many_there_are(a_mention, an_incident):
    assert build(an_incident(count=3), a_mention(), OPENED).why.startswith("3 mentions since")


def test_holding_makes_no_notice(a_mention, an_incident):
    with pytest.raises(ValueError, match="already_notified"):
        build(an_incident(), a_mention(), Decision("hold", Reason.ALREADY_NOTIFIED, None))


def test_the_key_is_of_the_step_and_nothing_that_may_change(an_incident, noon):
    key = key_of(an_incident(), 25)
    assert key == key_of(an_incident(id=None, count=26, notified_count=26, reach=9, last_at=noon + timedelta(1)), 25)
    others = [an_incident(brand="Nimbus"), an_incident(rule="reach"), an_incident(opened_at=noon + timedelta(1))]
    assert len({key, key_of(an_incident(), 1), *(key_of(other, 25) for other in others)}) == 5
    assert key.startswith("detractor-grew25-")
    madrid = an_incident(opened_at=noon.astimezone(timezone(timedelta(hours=1))))
    assert key_of(madrid, 25) == key


def test_a_long_text_is_quoted_around_the_brand(a_mention, an_incident):
    text = "x " * 9_000 + "then Aeroluz lost my bag" + " y" * 9_000
    start = text.index("Aeroluz")
    quote = build(an_incident(), a_mention(text=text, spans=((start, start + 7),)), OPENED).mention.text
    assert "then Aeroluz lost my bag" in quote
    assert len(quote) <= QUOTE_LIMIT
    assert quote.startswith("…x ")
    assert quote.endswith("…")


def test_a_test_notice_is_named_as_one(noon):
    notice = for_test("team", noon)
    assert (notice.kind, notice.key.startswith("test-")) == ("test", True)
    assert "team" in notice.why
    assert notice.key == for_test("team", noon).key != for_test("team", noon + timedelta(seconds=1)).key


@settings(deadline=None)
@given(text=st.text(st.characters(codec=None, exclude_categories=[])), author=st.none() | st.text(), brand=st.text())
def test_whatever_was_said_can_be_stored_and_read_back(a_mention, an_incident, text, author, brand):
    notice = build(an_incident(brand=brand), a_mention(text=text, author=author, brand=brand), OPENED)
    stored = notice.to_json()
    assert stored.isascii()
    assert "\\u0000" not in stored
    json.loads(stored)["mention"]["text"].encode("utf-8")
    assert Notice.from_json(stored) == notice


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("no json", "is a JSON object"),
        ("[1]", "is a JSON object"),
        ("{}", "stored in version None"),
        ('{"version": 2}', "stored in version 2; this Escucha reads version 1"),
        ('{"version": 1}', "lacks or misspells something: 'mention'"),
    ],
)
def test_other_stored_forms_are_refused_in_words(stored, words):
    with pytest.raises(ValueError, match=words):
        Notice.from_json(stored)
