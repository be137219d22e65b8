import json
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notice import QUOTE_LIMIT, Chart, Link, Notice, NoticeKind, Section, for_test, key_of, quote


def test_the_key_is_of_the_incident_and_the_step_and_of_nothing_that_may_change(an_incident, noon):
    key = key_of(an_incident(), NoticeKind.GREW, 25)
    same = an_incident(id=None, count=26, reach=9, last_at=noon + timedelta(1), version=9)
    assert key == key_of(same, NoticeKind.GREW, 25)
    others = [
        an_incident(brand="Nimbus"), an_incident(brand=None), an_incident(rule="reach"), an_incident(group="x"),
        an_incident(opened_at=noon + timedelta(1)),
    ]  # fmt: skip
    keys = {key, key_of(an_incident(), NoticeKind.GREW, 5), key_of(an_incident(), NoticeKind.OPENED)}
    assert len(keys | {key_of(other, NoticeKind.GREW, 25) for other in others}) == 8
    assert key.startswith("detractor-grew-")
    madrid = an_incident(opened_at=noon.astimezone(timezone(timedelta(hours=1))))
    assert key_of(madrid, NoticeKind.GREW, 25) == key


def test_a_long_text_is_quoted_around_the_brand(a_mention):
    text = "x " * 9_000 + "then Aeroluz lost my bag" + " y" * 9_000
    start = text.index("Aeroluz")
    quoted = quote(a_mention(text=text, spans=((start, start + 7),))).text
    assert "then Aeroluz lost my bag" in quoted
    assert len(quoted) <= QUOTE_LIMIT
    assert quoted.startswith("…x ")
    assert quoted.endswith("…")


def test_a_test_notice_is_named_as_one(noon):
    notice = for_test("team", noon)
    assert (notice.kind, notice.key.startswith("test-")) == (NoticeKind.TEST, True)
    assert "team" in notice.why
    assert notice.key == for_test("team", noon).key != for_test("team", noon + timedelta(seconds=1)).key


@given(text=st.text(), author=st.text(), title=st.text())
@settings(max_examples=25, deadline=None)
def test_whatever_was_said_can_be_stored_and_read_back(a_mention, a_notice, text, author, title):
    quoted = quote(a_mention(text=text, author=author))
    notice = replace(
        a_notice(title=title), quotes=(quoted, quoted), sections=(Section("Then", ("one", title)),),
        links=(Link("There", "https://example.com"),), charts=(Chart("days", "what is to be seen", "aGk="),),
    )  # fmt: skip
    stored = notice.to_json()
    stored.encode("ascii")
    # Half a surrogate pair cannot be stored in a database, so it is not kept in what strangers said.
    quoted.text.encode("utf-8")
    assert Notice.from_json(stored) == notice
    assert Notice.from_json(stored).to_json() == stored
    assert notice.charts[0].data == b"hi"


def test_what_the_first_version_stored_can_still_be_sent(a_notice):
    first = {
        "version": 1,
        "key": "detractor-grew5-0123",
        "kind": "grew",
        "brand": "Aeroluz",
        "rule": "detractor",
        "why": "5 mentions since then; the latest: 90% likely a detractor.",
        "count": 5,
        "reach": 10,
        "opened_at": "2026-11-21T12:00:00+00:00",
        "mention": json.loads(a_notice().to_json())["quotes"][0],
        "incident_url": "http://127.0.0.1:8765/alerts/7",
    }
    notice = Notice.from_json(json.dumps(first))
    assert (notice.key, notice.kind, notice.why) == (first["key"], NoticeKind.GREW, first["why"])
    assert notice.title == "Aeroluz: detractor incident is growing"
    assert notice.quotes == a_notice().quotes
    assert notice.links == (Link("Open the incident", "http://127.0.0.1:8765/alerts/7"),)


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("", "not JSON"),
        ("[]", "is a list"),
        ('{"version": 99}', "stored in version 99"),
        ("{}", "stored in version None"),
        ('{"version": 1}', "lacks or misspells"),
        ('{"version": 2}', "lacks or misspells"),
        ('{"version": 2, "about": null, "kind": "unheard of"}', "unheard of"),
    ],
)
def test_other_stored_forms_are_refused_in_words(stored, words):
    with pytest.raises(ValueError, match=words):
        Notice.from_json(stored)
