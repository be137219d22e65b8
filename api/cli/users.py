"""``escucha users``: who may sign in, from the terminal of the machine, whose user may do everything anyway."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from sqlmodel import Session

from alerts.text import one_line
from alerts.wording import moment
from api import entering, passwords
from api.cli.alert_group import installed, known_brand
from api.cli.output import Failure, WrongUse, say, show_line
from api.passwords import WeakPasswordError
from api.terminal import json_text
from api.wiring import Installation
from listener import clock
from listener.access import Role
from listener.items import storable, wordless
from listener.store import audit, brands, throttle, tokens, users
from listener.store.tokens import Purpose
from listener.store.users import LastAdministratorError, NameTakenError, Person, TakenError

group = typer.Typer(help="Users: who may sign in, and what they may do with which brands.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The user's e-mail address.", show_default=False)]
By = Annotated[str, typer.Option(help="Who does it, as the audit is to name you.", show_default=False)]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="viewer, agent, marketer or administrator of all brands; agent:Aeroluz of one. Several may be given.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print them as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="users")


@group.command("list")
def overview(as_json: AsJson = False) -> None:
    """Everybody who was ever invited, and their roles."""
    with installed() as installation, installation.store.reading() as session:
        found = list(_everybody(session))
        names = {row.id: row.name for row in brands.everything(session)}
    if as_json:
        typer.echo(json_text([_plain(one, names) for one in found], indent=2))
        return
    for one in found:
        show_line(_line(one, names))
    if not found:
        say("nobody yet; `escucha users add` invites somebody")


@group.command()
def add(
    email: Email,
    by: By,
    name: Annotated[str, typer.Option(help="What the others call them.", show_default=False)],
    role: Roles = None,
) -> None:
    """Invite somebody: prints the link that they set their password with."""
    now, name = clock.now(), _name(name)
    if not entering.is_email(email):
        raise WrongUse(f"{one_line(email)[:80]!r} is no e-mail address")
    with installed() as installation, installation.store.transaction() as session:
        roles = _roles(session, role or ())
        try:
            user_id = users.invite(session, email, name, roles, now)
        except TakenError as error:
            raise Failure(
                f"{one_line(email)[:254]} is here already; `escucha users roles` changes what they may do"
            ) from error
        except NameTakenError as error:
            raise Failure(_NAME_TAKEN) from error
        audit.note(session, by, "user.added", users.address_of(email), {"roles": role or []}, now)
        token = tokens.issue(session, Purpose.JOIN, now, user_id=user_id)
    _show_link(installation, name, token)


@group.command("roles")
def set_roles(email: Email, by: By, role: Roles = None) -> None:
    """Give a user these roles and no others; without --role none."""
    with _changing(email) as (_, session, person):
        roles = _roles(session, role or ())
        users.edit(session, person.id, roles=roles)
        audit.note(session, by, "user.edited", person.email, {"roles": role or []}, clock.now())
    say(f"{one_line(person.name)}: {', '.join(role or ()) or 'no role'}")


@group.command()
def password(
    email: Email,
    by: By,
    link: Annotated[bool, typer.Option("--link", help="Print a link with which they set it themselves.")] = False,
) -> None:
    """Set a user's password, asked for at the terminal; all their sessions end. They may try again at once where wrong
    passwords made them wait."""
    now = clock.now()
    with installed() as installation:
        with installation.store.reading() as session:
            person = _person(session, email)
        new = None if link else _asked(person)
        with installation.store.transaction() as session:
            throttle.clear(session, person.email)
            if new is None:
                token = tokens.issue(session, Purpose.JOIN, now, user_id=person.id)
                audit.note(session, by, "user.link", person.email, {}, now)
            else:
                users.set_password(session, person.id, new)
                audit.note(session, by, "user.password", person.email, {}, now)
    if new is None:
        _show_link(installation, person.name, token)
    else:
        say(f"{one_line(person.name)} has a new password, and is signed out everywhere")


@group.command()
def deactivate(email: Email, by: By) -> None:
    """Have a user not sign in any more, at once; what they did stays under their name."""
    with _changing(email) as (_, session, person):
        users.edit(session, person.id, active=False)
        audit.note(session, by, "user.edited", person.email, {"active": False}, clock.now())
    say(f"{one_line(person.name)} is switched off, and signed out everywhere")


@group.command()
def activate(email: Email, by: By) -> None:
    """Let a user who was switched off sign in again."""
    with _changing(email) as (_, session, person):
        users.edit(session, person.id, active=True)
        audit.note(session, by, "user.edited", person.email, {"active": True}, clock.now())
    say(f"{one_line(person.name)} may sign in again")


_NAME_TAKEN = "somebody else goes by this name, or it reads like a key's; the two could not be told apart"


@contextmanager
def _changing(email: str) -> Iterator[tuple[Installation, Session, Person]]:
    try:
        with installed() as installation, installation.store.transaction() as session:
            yield installation, session, _person(session, email)
    except LastAdministratorError as error:
        raise Failure(
            "nobody would be left who may do everything; give somebody else --role administrator first"
        ) from error
    except NameTakenError as error:
        raise Failure(_NAME_TAKEN) from error


def _everybody(session: Session) -> Iterator[Person]:
    page = users.listed(session)
    while page:
        yield from page
        page = users.listed(session, after=page[-1].id)


def _person(session: Session, email: str) -> Person:
    account = users.with_email(session, storable(email))
    found = None if account is None or account.id is None else users.person(session, account.id)
    if found is None:
        raise Failure(f"nobody here has the e-mail address {one_line(email)[:254]!r}; `escucha users list` shows all")
    return found


def _name(name: str) -> str:
    name = storable(name).strip()
    if wordless(name) or len(name) > entering.LONGEST_NAME:
        raise WrongUse(f"--name: say what the others call them, in at most {entering.LONGEST_NAME} characters")
    return name


def _roles(session: Session, said: Sequence[str]) -> dict[int | None, Role]:
    """Roles as they are written, ``agent`` or ``agent:Brand``, by brands' ids. Raises WrongUse."""
    found: dict[int | None, Role] = {}
    for one in said:
        name, _, brand = one.partition(":")
        if name not in frozenset(Role):
            raise WrongUse(f"there is no role {one_line(name)[:80]!r}; there are: {', '.join(Role)}")
        known_brand(session, brand or None)
        row = brands.brand_named(session, brand) if brand else None
        place = None if row is None else row.id
        if place in found:
            raise WrongUse("one role for a brand, and one for all of them")
        found[place] = Role(name)
    return found


def _asked(person: Person) -> str:
    new = typer.prompt(f"New password of {one_line(person.name)}", hide_input=True, confirmation_prompt=True, err=True)
    try:
        passwords.check(new, person.email, person.name)
    except WeakPasswordError as error:
        raise WrongUse(str(error)) from error
    return passwords.hashed(new)


def _show_link(installation: Installation, name: str, token: str) -> None:
    say(f"for {one_line(name)} alone; it works once, for three days:")
    show_line(entering.join_address(installation.settings, token))


def _told(person: Person, names: Mapping[int | None, str]) -> list[str]:
    return [role.value if brand is None else f"{role.value}:{names[brand]}" for brand, role in person.roles.items()]


def _line(one: Person, names: Mapping[int | None, str]) -> str:
    state = "" if one.active and one.joined else " (invited)" if one.active else " (switched off)"
    seen = f", last signed in {moment(one.signed_in_at)}" if one.signed_in_at else ""
    return one_line(f"{one.email} {one.name}{state}: {', '.join(_told(one, names)) or 'no role'}{seen}")


def _plain(one: Person, names: Mapping[int | None, str]) -> dict[str, Any]:
    return {
        "id": one.id, "email": one.email, "name": one.name, "active": one.active, "joined": one.joined,
        "roles": _told(one, names), "created_at": one.created_at.isoformat(),
        "signed_in_at": one.signed_in_at.isoformat() if one.signed_in_at else None,
    }  # fmt: skip
