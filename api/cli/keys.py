"""``escucha keys``: API keys, which other programs ask with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from alerts.text import one_line
from alerts.wording import moment
from api.cli.alert_group import HIGHEST, installed, known_brand
from api.cli.moments import moment_of
from api.cli.output import Failure, WrongUse, say, show_line
from api.terminal import json_text
from listener import clock
from listener.access import EVERYWHERE, Permission
from listener.items import storable, wordless
from listener.store import api_keys, audit, brands
from listener.store.tables import ApiKey

group = typer.Typer(
    help="API keys: what other programs ask with. A key is shown once, when it is made.", no_args_is_help=True
)

By = Annotated[str, typer.Option(help="Who does it, as the audit is to name you.", show_default=False)]
LONGEST_NAME = 200


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="keys")


@group.command("list")
def overview(
    past: Annotated[bool, typer.Option("--past", help="Those that are over, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """The keys that open something, the latest first."""
    now = clock.now()
    with installed() as installation, installation.store.reading() as session:
        found: list[ApiKey] = []
        while page := api_keys.listed(session, before=found[-1].id if found else None):
            found += page
        names = {row.id: row.name for row in brands.everything(session)}
    shown = [one for one in found if past or not _over(one, now)]
    if as_json:
        typer.echo(json_text([_plain(one, names) for one in shown], indent=2))
        return
    for one in shown:
        show_line(_line(one, names, now))
    if not shown:
        say("no key" if past else "no key opens anything")


@group.command()
def make(
    name: Annotated[
        str, typer.Argument(help="What it is for, as timelines and the audit name it.", show_default=False)
    ],
    by: By,
    scope: Annotated[list[str], typer.Option(help="What it may do, such as mentions:read.", show_default=False)],
    brand: Annotated[list[str] | None, typer.Option(help="The only brands that it is for; all.")] = None,
    until: Annotated[str | None, typer.Option(help="Its last day (UTC), such as 2027-05-01; never.")] = None,
) -> None:
    """Make a key, and print it: it is kept nowhere."""
    now, name = clock.now(), storable(name).strip()
    if wordless(name) or len(name) > LONGEST_NAME:
        raise WrongUse(f"say what the key is for, in at most {LONGEST_NAME} characters")
    scopes = frozenset(_scope(one) for one in scope)
    if brand and scopes & EVERYWHERE:
        whole = ", ".join(sorted(scopes & EVERYWHERE))
        raise WrongUse(f"{whole}: this concerns no single brand, so leave --brand out or make another key for it")
    ends = None if until is None else moment_of(until, "--until", whole_day=True)
    if ends is not None and ends <= now:
        raise WrongUse(f"--until {until}: that is over already")
    with installed() as installation, installation.store.transaction() as session:
        only = []
        for one in dict.fromkeys(brand or ()):
            known_brand(session, one)
            row = brands.brand_named(session, one)
            assert row is not None
            assert row.id is not None
            only.append(row.id)
        key_id, key = api_keys.make_key(session, name, scopes, by, now, brands=only or None, expires_at=ends)
        detail = {"name": name, "scopes": sorted(scopes), "brands": brand, "expires_at": until}
        audit.note(session, by, "key.made", f"key {key_id}", detail, now)
    say(f"key {key_id}; send it as `Authorization: Bearer ...`:")
    show_line(key)


@group.command()
def revoke(
    number: Annotated[int, typer.Argument(help="The key's number.", min=1, max=HIGHEST, show_default=False)], by: By
) -> None:
    """Have a key open nothing from now on, nor those that it made."""
    now = clock.now()
    with installed() as installation, installation.store.transaction() as session:
        found = api_keys.revoke(session, number, by, now)
        if found is None:
            raise Failure(f"there is no key {number}; `escucha keys list --past` shows all")
        if found.revoked_at == now:
            audit.note(session, by, "key.revoked", f"key {number}", {"name": found.name}, now)
    say(f"key {number} opens nothing any more" + ("" if found.revoked_at == now else ", and did not before"))


def _scope(said: str) -> Permission:
    try:
        return Permission(said)
    except ValueError as error:
        raise WrongUse(f"there is no scope {one_line(said)[:80]!r}; there are: {', '.join(Permission)}") from error


def _over(one: ApiKey, now: datetime) -> bool:
    return one.revoked_at is not None or (one.expires_at is not None and one.expires_at <= now)


def _brands(one: ApiKey, names: Mapping[int | None, str]) -> list[str] | None:
    return None if one.brands is None else [names.get(brand, "?") for brand in one.brands]


def _line(one: ApiKey, names: Mapping[int | None, str], now: datetime) -> str:
    only = _brands(one, names)
    where = "" if only is None else f" of {', '.join(only)}"
    used = f"last used {moment(one.used_at)}" if one.used_at else "never used"
    end = f", revoked by {one.revoked_by}" if one.revoked_at else ""
    if one.expires_at and not one.revoked_at:
        end = f", {'over since' if one.expires_at <= now else 'until'} {moment(one.expires_at)}"
    return one_line(f"#{one.id} {one.name} {one.prefix}...: {', '.join(one.scopes)}{where}; {used}{end}")


def _plain(one: ApiKey, names: Mapping[int | None, str]) -> dict[str, Any]:
    def said(when: datetime | None) -> str | None:
        return None if when is None else when.isoformat()

    return {
        "id": one.id, "name": one.name, "prefix": one.prefix, "scopes": one.scopes, "brands": _brands(one, names),
        "created_by": one.created_by, "created_at": said(one.created_at), "expires_at": said(one.expires_at),
        "used_at": said(one.used_at), "revoked_at": said(one.revoked_at), "revoked_by": one.revoked_by,
    }  # fmt: skip
