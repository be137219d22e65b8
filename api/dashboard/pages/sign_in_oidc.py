"""Signing in with an OpenID Connect provider: there, and back."""

from typing import Annotated
from urllib.parse import quote, unquote

import structlog
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from api import cookies
from api.addresses import cookie_name, local
from api.dashboard.language import N_
from api.dashboard.pages.entrance import NextAsked, agent_of, client_of, entrance, held_up, signed_in
from api.dashboard.rendering import gettext_for
from api.oidc import ANSWER, Known, OidcError, Provider, derived
from api.routes.dependencies import Installed
from listener import clock
from listener.access import signed
from listener.items import storable
from listener.store import audit, throttle, tokens, users
from listener.store.engine import Store
from listener.store.tokens import LASTS, Purpose

log = structlog.get_logger()

router = APIRouter(include_in_schema=False)

COOKIE = "escucha_oidc"

REFUSED = N_("The sign-in service did not let you in.")
STALE = N_("This attempt to sign in is over, or was begun in another browser. Begin again here.")
UNVERIFIED = N_("The sign-in service does not vouch for your e-mail address, so we cannot know who you are here.")
STRANGER = N_("Nobody here has invited you yet. Ask an administrator for an invitation to your e-mail address.")
SHUT = N_("Your account here was switched off. Ask an administrator.")
OTHER = N_("Your account here belongs to another identity at the sign-in service. Ask an administrator.")

Said = Annotated[str, Query(max_length=4000)]


# A link and not a form: the pages' policy lets forms lead to our own pages alone, redirects included.
@router.get("/sign-in/oidc")
def begin(request: Request, installed: Installed, next: NextAsked = "/") -> Response:  # noqa: A002
    """To the provider."""
    provider, now = _provider(request), clock.now()
    try:
        provider.reach(now)
        with installed.store.transaction() as session:
            held_until = throttle.take_provider(session, client_of(request), now)
            attempt = tokens.issue(session, Purpose.OIDC, now) if held_until is None else ""
        if held_until is not None:
            return held_up(request, installed, next, held_until, now)
        answer = RedirectResponse(provider.begin(attempt, now), 303)
    except OidcError as error:
        return _refused(request, installed, error.said, str(error))
    held = f"{attempt}.{quote(local(next), safe='')}"
    cookies.keep(
        answer, cookie_name(COOKIE, installed.settings), held, LASTS[Purpose.OIDC].total_seconds(), installed.settings
    )
    return answer


@router.get(ANSWER)
def finish(request: Request, installed: Installed, state: Said = "", code: Said = "", error: Said = "") -> Response:
    """Back from the provider: signed in, or told why not."""
    provider, now = _provider(request), clock.now()
    attempt, _, wanted = request.cookies.get(cookie_name(COOKIE, installed.settings), "").partition(".")
    # Another site may send a browser here with a state of its own: it is not that of this browser's attempt.
    if not attempt or not state.isascii() or state != derived(attempt, "state"):
        return _refused(request, installed, STALE, "state")
    with installed.store.transaction() as session:
        good = tokens.spend(session, Purpose.OIDC, attempt, now) is not None
    if not good:
        return _refused(request, installed, STALE, "attempt")
    if error or not code:
        return _refused(request, installed, REFUSED, error[:200] or "no code")
    try:
        known = provider.finish(attempt, code, now)
        try:
            found = _user(installed.store, provider, known)
        except users.TakenError:
            # Somebody's first two sign-ins came at once: they are known now.
            found = _user(installed.store, provider, known)
        with installed.store.transaction() as session:
            throttle.succeeded_provider(session, client_of(request))
            token = users.open_session(session, found, agent_of(request), now)
    except OidcError as wrong:
        return _refused(request, installed, wrong.said, str(wrong))
    answer = signed_in(request, installed, token, unquote(wanted))
    cookies.drop(answer, cookie_name(COOKIE, installed.settings), installed.settings)
    return answer


def _user(store: Store, provider: Provider, known: Known) -> int:
    """The id of the user that the provider vouches for. Raises OidcError for nobody of ours."""
    with store.transaction() as session:
        user = users.known_as(session, known.issuer, known.subject)
        if user is None:
            if known.email is None:
                raise OidcError(UNVERIFIED, "no verified e-mail address")
            user = users.with_email(session, known.email)
            if user is not None and user.subject is not None:
                raise OidcError(OTHER, "the account has another subject")
        if user is not None and not user.active:
            raise OidcError(SHUT, "the account is not active")
        if user is not None and user.id is not None:
            if user.subject is None:
                users.link(session, user.id, known.issuer, known.subject)
            return user.id
        if provider.role is None or known.email is None:
            raise OidcError(STRANGER, "no account has this e-mail address")
        now, name = clock.now(), storable(known.name)[:200]
        # Nobody is asked for another name there; the address is nobody else's.
        name = name if users.is_free(session, name) else known.email
        made = users.invite(session, known.email, name, {None: provider.role}, now)
        users.link(session, made, known.issuer, known.subject)
        audit.note(
            session,
            signed(name, known.email),
            "user.added",
            known.email,
            {"by": "oidc", "role": provider.role.value},
            now,
        )
        return made


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.oidc
    if found is None:
        raise HTTPException(404, "no sign-in service is set up here; ESCUCHA_OIDC_ISSUER names one")
    return found


def _refused(request: Request, installed: Installed, said: str, why: str) -> Response:
    log.warning("oidc_refused", why=why)
    problem = gettext_for(request, None)(said)
    answer = entrance(request, installed.store, "/", problem=problem, status_code=403)
    cookies.drop(answer, cookie_name(COOKIE, installed.settings), installed.settings)
    return answer
