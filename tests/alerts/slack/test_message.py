import json
from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.notice import Chart, Link, Notice, NoticeKind, Section, for_test
from alerts.severity import Severity
from alerts.slack.message import MESSAGE_LIMIT, compose
from alerts.slack.plain import as_text
from alerts.text import size


def items_of(block):
    """Every text object of a block, those of buttons and choices too."""
    yield from [block.get("text"), *block.get("fields", [])]
    for element in block.get("elements", []):
        yield element if isinstance(element.get("text"), str) else element.get("text")
        yield element.get("placeholder")
        yield from (option["text"] for option in element.get("options", []))


def texts(body):
    """Every text object, and the fallback, as (type, text)."""
    yield "fallback", body["text"]
    for block in body["blocks"]:
        yield from ((item["type"], item["text"]) for item in items_of(block) if item)


def joined(body) -> str:
    return "\n".join(text for _, text in texts(body))


def test_the_parts_of_a_message(a_notice):
    body = compose(a_notice()).to_dict()
    header, why, quote, origin, fields, links, key = body["blocks"]
    assert header["text"] == {"type": "plain_text", "text": "Aeroluz: new detractor incident", "emoji": False}
    assert why["text"]["text"] == "*Warning* · New: 91% likely a detractor (alerts from 60%), reach 1,200."
    assert quote["text"]["text"] == "> Aeroluz lost my bag again"
    assert origin["elements"][0]["text"] == (
        "ana · hackernews · en · 2026-11-21 12:00 UTC · reach 1,200 · inferred stance: detractor"
        " · 91% likely a detractor · model minilm r1 · <https://news.example/item?id=1&amp;x=2|Open the mention>"
    )
    assert [field["text"] for field in fields["fields"]] == [
        "*Incident*\n1 mention, known reach 1,200",
        "*Since*\n2026-11-21 12:00 UTC",
    ]
    assert links["text"]["text"] == "<http://127.0.0.1:8000/incidents/7|Open the incident>"
    assert key["elements"][0]["text"] == "Escucha notice detractor-opened-0123456789abcdef"
    assert body["text"] == (
        "Aeroluz: new detractor incident: Warning · New: 91% likely a detractor (alerts from 60%), reach 1,200. "
        "“Aeroluz lost my bag again”"
    )
    assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)


def test_a_webhook_gets_neither_buttons_nor_metadata(a_notice):
    body = compose(a_notice()).to_dict()
    assert "metadata" not in body
    assert "actions" not in [block["type"] for block in body["blocks"]]


def test_a_bot_carries_the_key_to_be_found_by_and_buttons_that_name_the_incident(a_notice):
    body = compose(a_notice(), bot=True, buttons=True).to_dict()
    assert body["metadata"] == {
        "event_type": "escucha_notice",
        "event_payload": {"key": "detractor-opened-0123456789abcdef", "alert_id": 7, "version": 3},
    }
    [actions] = [block for block in body["blocks"] if block["type"] == "actions"]
    assert [(one["type"], one["action_id"], one.get("value")) for one in actions["elements"]] == [
        ("button", "escucha:acknowledge", "7:3:en"),
        ("button", "escucha:assign", "7:3:en"),
        ("static_select", "escucha:snooze", None),
        ("button", "escucha:useful", "7:3:en"),
        ("button", "escucha:not_useful", "7:3:en"),
    ]
    assert [(one["text"]["text"], one["value"]) for one in actions["elements"][2]["options"]] == [
        ("1 hour", "7:3:en:1h"),
        ("4 hours", "7:3:en:4h"),
        ("Until tomorrow", "7:3:en:tomorrow"),
    ]


def test_buttons_need_an_incident_to_act_on(a_notice):
    body = compose(a_notice(about=None), bot=True, buttons=True).to_dict()
    assert "actions" not in [block["type"] for block in body["blocks"]]
    assert body["metadata"]["event_payload"] == {"key": "detractor-opened-0123456789abcdef"}


def test_a_message_in_spanish(a_notice):
    notice = a_notice(language="es", severity=Severity.CRITICAL, reach=None, label="promoter")
    body = compose(notice, buttons=True).to_dict()
    written = joined(body)
    assert "*Crítica* · " in written
    assert "alcance desconocido · postura inferida: promotor" in written
    assert "|Abrir la mención>" in written
    assert [text for text in ("1 hora", "4 horas", "Hasta mañana") if text not in written] == []
    assert "7:3:es:tomorrow" in json.dumps(body)


@pytest.mark.parametrize(
    ("severity", "word"), [(Severity.INFO, "Info"), (Severity.WARNING, "Warning"), (Severity.CRITICAL, "Critical")]
)
def test_severity_stands_in_words(a_notice, severity, word):
    body = compose(a_notice(severity=severity)).to_dict()
    assert body["blocks"][1]["text"]["text"].startswith(f"*{word}* · ")
    assert f": {word} · " in body["text"]


def test_three_quotations_at_most_each_with_where_it_comes_from(a_notice):
    one = a_notice().quotes[0]
    quotes = tuple(replace(one, text=f"number {number}", author=f"author{number}") for number in range(5))
    written = compose(a_notice(quotes=quotes, facts=())).to_dict()["blocks"]
    assert [block["text"]["text"] for block in written if block["type"] == "section"][1:-1] == [
        "> number 0",
        "> number 1",
        "> number 2",
    ]
    origins = [block["elements"][0]["text"] for block in written if block["type"] == "context"][:-1]
    assert origins.pop() == "and 2 more mentions, in Escucha"
    assert [origin.split(" · ")[0] for origin in origins] == ["author0", "author1", "author2"]


def test_the_time_of_a_mention_is_the_teams_as_all_other_times_are(a_notice):
    written = joined(compose(a_notice(timezone="Europe/Madrid")).to_dict())
    assert "ana · hackernews · en · 2026-11-21 13:00 CET · " in written


def test_sections_and_charts_are_told_in_words(a_notice):
    notice = a_notice(
        sections=(Section("Points for an answer", ("Say when the bag will come", "Do not promise money")),),
        charts=(Chart("mentions", "Mentions per hour: 2, 3, 40", b64encode(b"png").decode()),),
    )
    written = joined(compose(notice).to_dict())
    assert "*Points for an answer*\n• Say when the bag will come\n• Do not promise money" in written
    assert "Chart: Mentions per hour: 2, 3, 40" in written


def test_lines_that_do_not_fit_are_counted(a_notice):
    lines = tuple(f"{number} " + "word " * 30 for number in range(100))
    body = compose(a_notice(sections=(Section("Incidents", lines),))).to_dict()
    [section] = [block for block in body["blocks"] if "Incidents" in block.get("text", {}).get("text", "")]
    shown = section["text"]["text"].split("\n")
    assert shown[-1] == f"… and {100 - (len(shown) - 2)} more, in Escucha"
    assert len(section["text"]["text"]) <= 3_000


def test_more_sections_than_there_is_room_for_are_counted(a_notice):
    sections = tuple(Section(f"Part {number}", ("line",)) for number in range(60))
    body = compose(a_notice(sections=sections)).to_dict()
    assert len(body["blocks"]) <= 50
    assert "… and 49 more, in Escucha" in joined(body)


def test_slack_is_told_to_link_nothing_by_itself(a_notice):
    notice = a_notice(sections=(Section("Part", ("line",)),))
    for block in compose(notice, bot=True, buttons=True).to_dict()["blocks"]:
        for item in items_of(block):
            if item and item["type"] == "mrkdwn":
                assert item["verbatim"] is True


def test_a_test_is_short_and_named(noon):
    body = compose(for_test("team", noon), bot=True, buttons=True).to_dict()
    assert [block["type"] for block in body["blocks"]] == ["header", "section", "section", "context"]
    assert body["text"].startswith("Test message from Escucha")
    assert body["metadata"]["event_payload"]["key"].startswith("test-")


@pytest.mark.parametrize(
    "url", [None, "javascript:alert(1)", "https://a@b.example/", "https://a.example/" + "&" * 1990]
)
def test_addresses_that_are_none_are_left_out(a_notice, url):
    links = () if url is None else (Link("Open the incident", url),)
    written = joined(compose(a_notice(url=url, links=links)).to_dict())
    assert "<" not in written


def test_what_is_unknown_is_called_unknown(a_notice):
    written = joined(compose(a_notice(author=None, label=None, lang=None, reach=None)).to_dict())
    assert "unknown author · hackernews · 2026-11-21 12:00 UTC · reach unknown · inferred stance: none" in written


HOSTILE = "<!channel> <!here> <@U1>\n*Acknowledged* by Ana\n:white_check_mark: <https://evil.example|Open the incident>"


def test_a_post_cannot_page_anyone_or_pass_for_our_message(a_notice):
    body = compose(a_notice(text=HOSTILE, author="*boss* <!everyone>", links=(), url=None)).to_dict()
    written = joined(body)
    assert "<" not in written
    assert "*Acknowledged*" not in written
    assert "*boss*" not in written
    assert body["blocks"][2]["text"]["text"].split("\n")[1] == "> ∗Acknowledged∗ by Ana"


def hostile(text: str, url: str, notice: Notice) -> Notice:
    """The notice with this text in every place that holds text."""
    quoted = replace(notice.quotes[0], text=text, author=text, source=text, label=text, model=text, lang=text, url=url)
    return replace(
        notice,
        key=text,
        title=text,
        why=text,
        facts=((text, text),) * 12,
        quotes=(quoted,) * 4,
        sections=(Section(text, (text, text)),) * 14,
        links=(Link(text, url),) * 7,
        charts=(Chart(text, text, ""),) * 5,
        buttons=tuple(replace(button, label=text) for button in notice.buttons),
    )


def test_no_place_in_a_notice_lets_text_act(a_notice):
    notice = hostile(HOSTILE, "javascript:alert(1)", a_notice())
    for block in compose(notice, bot=True, buttons=True).to_dict()["blocks"]:
        for item in items_of(block):
            if item and (item["type"] == "mrkdwn" or block["type"] == "header"):
                assert "<" not in item["text"]
                assert "*Acknowledged*" not in item["text"]


NASTY = st.text(st.one_of(st.sampled_from('&<>!|*_~`:"\\\n\u202e😀a '), st.characters()), max_size=40)
REPEATED = st.builds(lambda text, times: text * times, NASTY, st.sampled_from([1, 3, 200, 2000]))


@settings(deadline=None, max_examples=25)
@given(text=REPEATED, path=REPEATED, kind=st.sampled_from(NoticeKind), language=st.sampled_from(["en", "es"]))
def test_limits_hold_for_any_text_of_any_length_in_every_place(a_notice, text, path, kind, language):
    notice = hostile(text, "https://a.example/" + path, replace(a_notice(), kind=kind, language=language))
    body = compose(notice, bot=True, buttons=True).to_dict()
    without_key = {**body, "metadata": None}
    assert size(json.dumps(without_key, ensure_ascii=False)) < MESSAGE_LIMIT
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert len(block.get("elements", [])) <= 10
        for item in items_of(block):
            if item:
                limit = 150 if block["type"] == "header" else 2000 if item in block.get("fields", []) else 3000
                assert 0 < len(item["text"].encode("utf-16-le")) / 2 <= limit
    written = joined({**body, "blocks": [block for block in body["blocks"] if block["type"] != "actions"]})
    assert "<!" not in written
    assert "<@" not in written
    assert "<#" not in written
    json.dumps(body).encode("ascii")


@pytest.mark.parametrize("text", ["😀" * 4_000, "👨‍👩‍👧" * 800, "𝔘" * 4_000])
def test_an_emoji_counts_for_the_two_characters_that_it_may_count_for(a_notice, text):
    one = a_notice(text=text, author=text, source=text).quotes[0]
    body = compose(a_notice(quotes=(one,) * 3, facts=(("Name", text),) * 10), bot=True, buttons=True).to_dict()
    assert size(json.dumps(body, ensure_ascii=False)) < MESSAGE_LIMIT


def test_the_longest_quotation_of_plain_text_uses_the_room(a_notice):
    quote = compose(a_notice(text="word " * 2_000)).to_dict()["blocks"][2]["text"]["text"]
    assert 2_990 <= len(quote) <= 3_000
    assert quote.endswith(" wo…")


def test_what_people_see_can_be_read_as_text(a_notice):
    notice = a_notice(text="bags & <queues>", sections=(Section("Points", ("Say sorry",)),))
    assert as_text(compose(notice, bot=True, buttons=True).to_dict()) == (
        "Aeroluz: new detractor incident\n"
        "===============================\n"
        "Warning · New: 91% likely a detractor (alerts from 60%), reach 1,200.\n"
        "> bags & <queues>\n"
        "  ana · hackernews · en · 2026-11-21 12:00 UTC · reach 1,200 · inferred stance: detractor"
        " · 91% likely a detractor · model minilm r1 · Open the mention (https://news.example/item?id=1&x=2)\n"
        "  Incident: 1 mention, known reach 1,200\n"
        "  Since: 2026-11-21 12:00 UTC\n"
        "Points\n"
        "• Say sorry\n"
        "Open the incident (http://127.0.0.1:8000/incidents/7)\n"
        "[Acknowledge]  [Assign]  [Snooze: 1 hour | 4 hours | Until tomorrow]  [Useful]  [Not useful]\n"
        "  Escucha notice detractor-opened-0123456789abcdef\n"
    )
