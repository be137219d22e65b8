"""A digest as a notice: figures and their changes, what is open, what was not read. Pure."""

from collections.abc import Sequence
from statistics import median_low

from alerts import phrases
from alerts.digest_figures import BrandFigures, Counts, DeclaredMarks, DigestFigures, IncidentFigures, OpenIncident
from alerts.digest_period import Period
from alerts.digest_words import TITLES, Words
from alerts.expectation import share
from alerts.mentions import ScoredMention
from alerts.notice import Chart, Link, Notice, NoticeKind, Section, digest, quote
from alerts.policy import Team
from alerts.severity import Severity
from alerts.text import one_line, shorten

MOST_BRANDS = 8
"""Brands with a section of their own; the rest is on the page."""

MOST_LINES = 10
"""Lines of a list."""

_NAME_LIMIT = 60
_TITLE_LIMIT = 140


def key_of(team: str, period: Period) -> str:
    """The stable id of a team's digest of one period: whoever writes it, and however often, it is the same."""
    return f"digest-{period.every.value}-{digest('digest', team, period.every.value, period.due.isoformat())}"


def write(
    team: Team,
    period: Period,
    figures: DigestFigures,
    *,
    detractors: Sequence[ScoredMention] = (),
    promoters: Sequence[ScoredMention] = (),
    charts: Sequence[Chart] = (),
    key: str,
    public_url: str,
) -> Notice:
    """The digest. `detractors` and `promoters`: the period's most telling mentions, which are quoted in turns, so that
    a channel that shows few shows both. A period with nothing in it is told in one line."""
    words = Words(team.language, team.zone)
    stretch = words.say("stretch", since=words.moment(period.since), until=words.moment(period.until))
    nothing = figures.nothing
    return Notice(
        key=key,
        kind=NoticeKind.DIGEST,
        title=shorten(f"{TITLES[period.every][team.language]}: {stretch}", _TITLE_LIMIT),
        why=_nothing(words, figures) if nothing else _summary(words, figures),
        made_at=period.due,
        severity=Severity.INFO,
        language=team.language,
        timezone=team.zone.key,
        facts=() if nothing else _facts(words, figures),
        quotes=() if nothing else tuple(quote(one) for one in _in_turns(detractors, promoters)),
        sections=_unread(words, figures) if nothing else _sections(words, period, figures),
        links=(Link(words.say("open_page"), public_url),),
        charts=() if nothing else tuple(charts),
    )


def _nothing(words: Words, figures: DigestFigures) -> str:
    return f"{words.say('nothing')} {words.say('not_all_read' if figures.unread else 'all_read')}"


def _summary(words: Words, figures: DigestFigures) -> str:
    now, before = _total(figures)
    parts = [f"{phrases.mentions(now.mentions, words.language)}{words.change(now.mentions, _of(before))}"]
    if now.net is not None:
        parts.append(f"{words.say('net').lower()} {_net(words, now, None)}")
    parts.append(f"{words.say('incidents').lower()}: {words.number(figures.incidents.opened)}")
    return "; ".join(parts) + "."


def _facts(words: Words, figures: DigestFigures) -> tuple[tuple[str, str], ...]:
    now, before = _total(figures)
    facts = [(words.say("mentions"), words.number(now.mentions) + words.change(now.mentions, _of(before)))]
    if now.net is not None:
        facts.append((words.say("net"), _net(words, now, before)))
    if now.reach:
        facts.append(
            (
                words.say("reach"),
                words.number(now.reach) + words.change(now.reach, None if before is None else before.reach),
            )
        )
    incidents = figures.incidents
    facts.append(
        (words.say("incidents"), words.number(incidents.opened) + words.change(incidents.opened, incidents.before))
    )
    if incidents.open_in_all:
        facts.append((words.say("open"), words.number(incidents.open_in_all)))
    return tuple(facts)


def _sections(words: Words, period: Period, figures: DigestFigures) -> tuple[Section, ...]:
    ordered = sorted(figures.brands, key=lambda one: (-one.counts.mentions, one.brand))
    found = [_brand(words, one) for one in ordered[:MOST_BRANDS]]
    if left := ordered[MOST_BRANDS:]:
        lines = [f"{_name(one.brand)}: {words.number(one.counts.mentions)}" for one in left]
        found.append(Section(words.say("mentions"), _cut(words, lines)))
    if figures.voices:
        found.append(Section(words.say("voice"), _voices(words, figures)))
    found.append(Section(words.say("incidents"), _incidents(words, figures.incidents)))
    if figures.incidents.open:
        lines = [_open(words, one) for one in figures.incidents.open]
        found.append(Section(words.say("open"), _cut(words, lines, figures.incidents.open_in_all)))
    if figures.declared:
        lines = [_declared(words, one) for one in figures.declared]
        found.append(Section(words.say("declared"), (*_cut(words, lines), words.say("apart"))))
    found += _unread(words, figures)
    against = words.say("against", since=words.moment(period.before), until=words.moment(period.since))
    notes = [words.say("raw"), against]
    if figures.unread_before:
        notes.append(words.say("unread_before"))
    return (*found, Section(words.say("how"), tuple(notes)))


def _brand(words: Words, one: BrandFigures) -> Section:
    now, before = one.counts, one.before
    copies = f", {words.say('copies', copies=words.number(now.copies))}" if now.copies else ""
    lines = [f"{words.say('mentions')}: {words.number(now.mentions)}{words.change(now.mentions, _of(before))}{copies}"]
    for name in ("promoters", "passives", "detractors") if now.labelled else ():
        found = share(getattr(now, name), now.labelled)
        assert found is not None
        was = getattr(before, name) / before.labelled if before is not None and before.labelled else None
        part = f"{words.say(name)}: {words.number(found.part)}, {words.share(found)}"
        lines.append(part + words.points(found.value, was))
    if now.mentions > now.labelled:
        lines.append(f"{words.say('unlabelled')}: {words.number(now.mentions - now.labelled)}")
    if now.net is not None:
        lines.append(f"{words.say('net')}: {_net(words, now, before)}")
    if now.reach:
        people = words.say("people", reach=words.number(now.reach))
        lines.append(
            f"{words.say('reach')}: {people}{words.change(now.reach, None if before is None else before.reach)}"
        )
    return Section(_name(one.brand), tuple(lines))


def _net(words: Words, now: Counts, before: Counts | None) -> str:
    if now.net is None:
        return "-"
    value, low, high = now.net
    was = before.net[0] if before is not None and before.net is not None else None
    interval = words.between(low, high, signed=True)
    return f"{words.percent(value, signed=True)} [{interval}]{words.points(value, was)}"


def _voices(words: Words, figures: DigestFigures) -> tuple[str, ...]:
    whole = words.say("of_all", whole=phrases.mentions(figures.voices[0].share.whole, words.language))
    lines = []
    for one in figures.voices:
        was = one.before.value if one.before is not None else None
        lines.append(f"{_name(one.brand)}: {words.share(one.share)}{words.points(one.share.value, was)}")
    return (*_cut(words, lines), whole)


def _incidents(words: Words, found: IncidentFigures) -> tuple[str, ...]:
    by_severity = ", ".join(
        f"{words.number(number)} {phrases.named(phrases.SEVERITIES, severity.value, words.language)}"
        for severity, number in sorted(found.by_severity.items(), key=lambda pair: -pair[0].rank)
        if number
    )
    opened = f"{words.say('opened')}: {words.number(found.opened)}{words.change(found.opened, found.before)}"
    lines = [f"{opened}: {by_severity}" if by_severity else opened]
    if found.acknowledged:
        lines.append(
            words.say(
                "acknowledged", number=words.number(len(found.acknowledged)),
                median=words.lasted(median_low(found.acknowledged)), slowest=words.lasted(max(found.acknowledged)),
            )
        )  # fmt: skip
    if found.in_time is not None:
        lines.append(words.say("in_time", share=words.share(found.in_time)))
    if found.unseen:
        lines.append(words.say("unseen", number=words.number(found.unseen)))
    if found.untold:
        lines.append(words.say("untold", number=words.number(found.untold)))
    return tuple(lines)


def _open(words: Words, one: OpenIncident) -> str:
    about = _name(one.brand or words.say("sources")) + (f" / {_name(one.group)}" if one.group else "")
    return words.say(
        "open_line", id=str(one.id), about=about, rule=phrases.named(phrases.RULES, one.rule, words.language),
        mentions=phrases.mentions(one.count, words.language), since=words.moment(one.opened_at),
        severity=phrases.named(phrases.SEVERITIES, one.severity.value, words.language),
        state=phrases.named(phrases.STATES, one.state, words.language).lower(),
    )  # fmt: skip


def _declared(words: Words, one: DeclaredMarks) -> str:
    answers = words.number(one.answers)
    if one.name == "nps":
        return words.say("declared_nps", value=words.decimal(one.value, 0, signed=True), answers=answers)
    if one.name == "csat":
        return words.say("declared_csat", value=words.percent(one.value), answers=answers)
    ends = {"lowest": f"{one.lowest:g}", "highest": f"{one.highest:g}"}
    return words.say(
        "declared_other", question=_name(one.name), value=words.decimal(one.value), answers=answers, **ends
    )


def _unread(words: Words, figures: DigestFigures) -> tuple[Section, ...]:
    if not figures.unread:
        return ()
    lines = [
        words.say(
            "unread_line", source=_name(one.source), missing=words.lasted(one.missing), wanted=words.lasted(one.wanted)
        )
        for one in figures.unread
    ]
    return (Section(words.say("unread"), (*_cut(words, lines), words.say("unread_note"))),)


def _total(figures: DigestFigures) -> tuple[Counts, Counts | None]:
    """All brands together; None for the period before unless all of them were listened for then."""
    now = [one.counts for one in figures.brands]
    before = [one.before for one in figures.brands if one.before is not None]
    return _sum(now), _sum(before) if len(before) == len(now) else None


def _sum(counts: Sequence[Counts]) -> Counts:
    names = ("mentions", "promoters", "passives", "detractors", "copies", "reach")
    return Counts(**{name: sum(getattr(one, name) for one in counts) for name in names})


def _of(counts: Counts | None) -> int | None:
    return None if counts is None else counts.mentions


def _in_turns(one: Sequence[ScoredMention], other: Sequence[ScoredMention]) -> list[ScoredMention]:
    longest = max(len(one), len(other))
    return [each[place] for place in range(longest) for each in (one, other) if place < len(each)]


def _cut(words: Words, lines: Sequence[str], in_all: int | None = None) -> tuple[str, ...]:
    """The first lines, and how many more there are."""
    shown = tuple(lines[:MOST_LINES])
    left = (in_all or len(lines)) - len(shown)
    return (*shown, words.say("more", number=words.number(left))) if left > 0 else shown


def _name(name: str) -> str:
    return shorten(one_line(name), _NAME_LIMIT)
