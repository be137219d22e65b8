"""``escucha push``: the systems that send here, and what would become of what one of them sends."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from alerts.text import visible
from api.addresses import public_url
from api.cli.output import Failure, say
from api.cli.setup import prepare
from api.wiring import install, read_config
from listener import clock
from listener.configfile import ConfigFile
from listener.matching import Matcher
from listener.push.batch import Batch, Malformed, Unusable, parse_body, read_mapped, read_own
from listener.push.options import PushEntry
from listener.push.schema import Entry, Passed, Refused
from listener.store import brands
from listener.store.tables import Brand

SHOWN = 300
"""Characters of a text that are shown."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Systems that send here: list, try.", no_args_is_help=True)
    group.command("list")(show)
    group.command("try")(try_out)
    app.add_typer(group, name="push")


def show() -> None:
    """The systems that may send here: their addresses, how they prove who they are, and when they last sent."""
    settings = prepare()
    config = read_config(settings, secrets=False)
    if not config.push:
        say(f"nobody may send here; {settings.config} names senders under push: (docs/push.md)")
        return
    with install(settings, config, sending=False) as installation, installation.store.reading() as session:
        for entry in config.push:
            row = brands.source_named(session, entry.name)
            last = (
                f"last {row.last_success_at:%Y-%m-%d %H:%M} UTC" if row and row.last_success_at else "nothing sent yet"
            )
            say(f"{entry.name}: {_address(entry, public_url(settings))}, {_proof(entry)}, {last}")


def try_out(
    name: Annotated[str, typer.Argument(help="The sender's name in escucha.yml.", show_default=False)],
    payload: Annotated[
        Path, typer.Argument(help="A body as that system sends it; - reads standard input.", show_default=False)
    ],
) -> None:
    """Show what would be stored of a body, and what is missing. Stores nothing and needs no secret."""
    settings = prepare()
    config = read_config(settings, secrets=False)
    entry = next((one for one in config.push if one.name == name), None)
    if entry is None:
        known = ", ".join(one.name for one in config.push) or "none"
        raise Failure(f"nobody called {name!r} may send here; {settings.config} names: {known}")
    batch = _read(entry, _body(payload))
    refused = 0
    matcher = _matcher(config, entry)
    for read in batch.entries:
        refused += isinstance(read, Refused)
        for line in _told(read, matcher):
            # All of it is a stranger's, the names too.
            typer.echo(visible(line))
    if not batch.entries:
        say("there is no item in it")
    if refused:
        raise Failure(f"{refused} of {len(batch.entries)} would be refused")


def _body(payload: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(payload) == "-" else payload.read_bytes()
    except OSError as error:
        raise Failure(f"{payload} cannot be read: {error.strerror or error}") from error


def _read(entry: PushEntry, body: bytes) -> Batch:
    mapping = entry.compiled()
    try:
        document = parse_body(body)
        if mapping is None:
            return read_own(document, entry.platforms, clock.now())
        return read_mapped(document, mapping, entry.platforms, clock.now())
    except Malformed as error:
        raise Failure(visible(f"it would be answered with 400: {error}")) from error
    except Unusable as error:
        raise Failure(visible(f"it would be answered with 422: {error.pointer or 'the body'} {error}")) from error


def _matcher(config: ConfigFile, entry: PushEntry) -> tuple[Matcher, dict[int, str]]:
    listened = [brand for brand in config.brands if entry.brands is None or brand.name in entry.brands]
    rows = [
        Brand(id=number, name=brand.name, query=brand.effective_query, created_at=clock.now())
        for number, brand in enumerate(listened, start=1)
    ]
    names = {number: brand.name for number, brand in enumerate(listened, start=1)}
    return Matcher(rows, about_brands=entry.about_brands, source=entry.name), names


def _told(read: Entry | Refused | Passed, matcher: tuple[Matcher, dict[int, str]]) -> Iterator[str]:
    match read:
        case Passed():
            yield f"item {read.number}: ignored (only: does not ask for it)"
        case Refused():
            yield f"item {read.number}: refused: {read.pointer}: {read.why}"
        case Entry(deleted=True):
            yield f"item {read.number}: {read.item.kind} {read.item.native_id}: deleted: it would be blanked"
        case Entry():
            found = matcher[0].match(read.item)
            named = [matcher[1][number] for number in found.brands] if found else []
            about = f"about {', '.join(named)}" if named else "about no brand: it would not be stored"
            yield f"item {read.number}: {read.item.kind} {read.item.native_id}, {about}"
            for name, value in _fields(read):
                yield f"    {name}: {value}"


def _fields(entry: Entry) -> Iterator[tuple[str, Any]]:
    item, author = entry.item, entry.item.author
    values: dict[str, Any] = {
        "created_at": item.created_at.isoformat(), "edited_at": item.edited_at and item.edited_at.isoformat(),
        "title": item.title, "text": item.text, "url": item.url, "lang": item.lang, "reach": item.reach,
        "reply_to": item.reply_to, "repost_of": item.repost_of, "quote_of": item.quote_of, "target": item.target,
        "author": author and " ".join(filter(None, (author.native_id, author.handle, author.name))),
        "engagement": dict(item.engagement) or None,
    }  # fmt: skip
    for name, value in values.items():
        if value is not None:
            shown = str(value)
            yield name, shown if len(shown) <= SHOWN else shown[:SHOWN] + "..."
    for name, (value, lowest, highest) in entry.declared.items():
        yield f"declared {name}", f"{value:g} on a scale from {lowest:g} to {highest:g}"


def _address(entry: PushEntry, url: str) -> str:
    own = entry.secret_from is not None and entry.signature is None and entry.mapping is None
    return f"{url}/api/v1/ingest" if own else f"{url}/api/v1/ingest/{entry.name}"


def _proof(entry: PushEntry) -> str:
    if entry.token_from is not None:
        return "by a token"
    return f"signed in {entry.signature.header}" if entry.signature is not None else "signed as docs/push.md says"
