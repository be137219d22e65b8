import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notice import for_test
from alerts.slack.message import MESSAGE_LIMIT, compose


def texts(body):
    """Every text object, and the fallback, as (type, text)."""
    yield "fallback", body["text"]
    for block in body["blocks"]:
        for item in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if item:
                yield item["type"], item["text"]


def joined(body) -> str:
    return "\n".join(text for _, text in texts(body))


def test_the_parts_of_a_message(a_notice):
    body = compose(a_notice()).to_dict()
    header, why, quote, fields, origin, links, key = body["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "Aeroluz: new detractor incident", "emoji": False}
    assert why["text"]["text"] == "New: 91% likely a detractor (alerts from 60%), reach 1,200."
    assert quote["text"]["text"] == "> Aeroluz lost my bag again"
    assert [field["text"] for field in fields["fields"]] == [
        "*Author*\nana",
        "*Written*\n2026-11-21 12:00 UTC",
        "*Incident*\n1 mention, known reach 1,200",
        "*Since*\n2026-11-21 12:00 UTC",
    ]
    assert origin["elements"][0]["text"] == (
        "hackernews · en · reach 1,200 · inferred stance: detractor · 91% likely a detractor · model minilm r1"
    )
    assert links["text"]["text"] == (
        "<https://news.example/item?id=1&amp;x=2|Open the mention>"
        "  ·  <http://127.0.0.1:8000/incidents/7|Open the incident>"
    )
    assert key["elements"][0]["text"] == "Escucha notice detractor-opened-0123456789abcdef"
    assert body["text"] == (
        "Aeroluz: new detractor incident: New: 91% likely a detractor (alerts from 60%), reach 1,200. "
        "“Aeroluz lost my bag again”"
    )
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


def test_slack_is_told_to_link_nothing_by_itself(a_notice):
    for block in compose(a_notice()).to_dict()["blocks"]:
        for item in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if item and item["type"] == "mrkdwn":
                assert item["verbatim"] is True


def test_growth_says_so_in_the_header(a_notice):
    header = compose(a_notice(kind="grew", count=1234)).to_dict()["blocks"][0]["text"]["text"]
    assert header == "Aeroluz: detractor incident is growing"


def test_a_test_is_short_and_named(noon):
    body = compose(for_test("team", noon)).to_dict()
    assert [block["type"] for block in body["blocks"]] == ["header", "section", "section", "context"]
    assert body["text"].startswith("Test message from Escucha")


@pytest.mark.parametrize(
    "url", [None, "javascript:alert(1)", "https://a@b.example/", "https://a.example/" + "&" * 1990]
)
def test_addresses_that_are_none_are_left_out(a_notice, url):
    written = joined(compose(a_notice(url=url, incident_url=None)).to_dict())
    assert "<" not in written


def test_what_is_unknown_is_called_unknown(a_notice):
    written = joined(compose(a_notice(author=None, label=None, lang=None, reach=0)).to_dict())
    assert "*Author*\nunknown" in written
    assert "*Incident*\n1 mention\n" in written
    assert "inferred stance: none" in written


def test_a_post_cannot_page_anyone_or_pass_for_our_message(a_notice):
    post = (
        "<!channel> <!here> <@U1>\n*Acknowledged* by Ana\n:white_check_mark: <https://evil.example|Open the incident>"
    )
    body = compose(a_notice(text=post, author="*boss* <!everyone>", incident_url=None, url=None)).to_dict()
    written = joined(body)
    assert "<" not in written
    assert "*Acknowledged*" not in written
    assert "*boss*" not in written
    assert body["blocks"][2]["text"]["text"].split("\n")[1] == "> ∗Acknowledged∗ by Ana"


NASTY = st.text(st.one_of(st.sampled_from('&<>!|*_~`:"\\\n\u202e😀a '), st.characters()), max_size=40)
REPEATED = st.builds(lambda text, times: text * times, NASTY, st.sampled_from([1, 3, 200, 2000]))


@settings(deadline=None, max_examples=60)
@given(text=REPEATED, author=REPEATED, brand=REPEATED, why=REPEATED, model=REPEATED, path=REPEATED)
def test_limits_hold_for_any_text_of_any_length(a_notice, text, author, brand, why, model, path):
    url = "https://a.example/" + path
    notice = a_notice(text=text, author=author, brand=brand, why=why, model=model, url=url, incident_url=url)
    body = compose(notice).to_dict()
    assert len(json.dumps(body, ensure_ascii=False)) < MESSAGE_LIMIT
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert len(block.get("elements", [])) <= 10
        for item in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if item:
                limit = 150 if block["type"] == "header" else 2000 if item in block.get("fields", []) else 3000
                assert 0 < len(item["text"].encode("utf-16-le")) / 2 <= limit
    written = joined(body)
    assert "<!" not in written
    assert "<@" not in written
    assert "<#" not in written
    json.dumps(body).encode("ascii")


def test_the_longest_quotation_of_plain_text_uses_the_room(a_notice):
    quote = compose(a_notice(text="word " * 2_000)).to_dict()["blocks"][2]["text"]["text"]
    assert 2_990 <= len(quote) <= 3_000
    assert quote.endswith(" wo…")
