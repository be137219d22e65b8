"""What people settle for themselves: name, language, password, and where they are signed in."""

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from api import passwords
from api.access import needs, session_token
from api.dashboard.access_words import ROLES
from api.dashboard.language import known
from api.dashboard.pages.entrance import client_of
from api.dashboard.rendering import gettext_for, go, show, tell
from api.entering import LONGEST_NAME, NAME_TAKEN
from api.passwords import MOST, WeakPasswordError
from api.routes.dependencies import Installed
from listener import clock
from listener.access import Caller
from listener.items import storable, wordless
from listener.store import audit, brands, throttle, users
from listener.store.tables import UserAccount

router = APIRouter(include_in_schema=False)

SignedIn = Annotated[Caller, needs(None)]
Word = Annotated[str, Form(max_length=2000)]


@router.get("/me")
def me(request: Request, asking: SignedIn, installed: Installed) -> Response:
    """The page."""
    return _page(request, asking, installed)


@router.post("/me")
def change(request: Request, asking: SignedIn, installed: Installed, name: Word = "", language: Word = "") -> Response:
    """Another name or language."""
    user_id, name = _user_id(asking), storable(name).strip()
    _ = gettext_for(request, asking)
    if wordless(name) or len(name) > LONGEST_NAME:
        return _page(request, asking, installed, _("Say what the others may call you."))
    try:
        with installed.store.transaction() as session:
            if name != asking.name:
                users.rename(session, user_id, name)
                audit.note(session, asking.actor, "user.edited", asking.email or "", {"name": name}, clock.now())
            users.choose_language(session, user_id, known(language))
            tell(request, session, _("Saved."))
    except users.NameTakenError:
        return _page(request, asking, installed, _(NAME_TAKEN))
    return go("/me")


@router.post("/me/password")
def change_password(
    request: Request, asking: SignedIn, installed: Installed, present: Word = "", password: Word = ""
) -> Response:
    """Another password; every other session ends. Whoever finds the screen unlocked does not know the present one."""
    user_id, now, email = _user_id(asking), clock.now(), asking.email or ""
    _ = gettext_for(request, asking)
    with installed.store.reading() as session:
        account = session.get(UserAccount, user_id)
        kept = None if account is None else account.password_hash
    if kept is None:
        # Nothing here would prove that it is they; and it would let them in when the provider no longer does.
        said = _("You sign in without a password here. An administrator can send you a link to choose one.")
        return _page(request, asking, installed, said)
    try:
        passwords.check(password, email, asking.name)
    except WeakPasswordError as error:
        return _page(request, asking, installed, _(str(error)))
    with installed.store.transaction() as session:
        held = throttle.take(session, email, client_of(request), now)
    if held is not None:
        return _page(request, asking, installed, _("Too many wrong passwords. Try again in a quarter of an hour."))
    if not passwords.matches(present, kept)[0]:
        return _page(request, asking, installed, _("The present password is not right."))
    new = passwords.hashed(password)
    with installed.store.transaction() as session:
        throttle.succeeded(session, email, client_of(request))
        users.set_password(session, user_id, new, keep=session_token(request))
        audit.note(session, asking.actor, "user.password", email, {}, now)
        tell(request, session, _("The password is changed, and every other session is over."))
    return go("/me")


@router.post("/me/sessions")
def end(request: Request, asking: SignedIn, installed: Installed, session_id: Word = "") -> Response:
    """End one other session, or all others."""
    user_id, token = _user_id(asking), session_token(request)
    _ = gettext_for(request, asking)
    with installed.store.transaction() as session:
        if session_id:
            users.end_session(session, user_id, session_id)
            said = _("That session is over.")
        elif token is not None:
            users.end_others(session, user_id, token)
            said = _("All other sessions are over.")
        else:
            raise HTTPException(403, "a key has no sessions")
        tell(request, session, said)
    return go("/me")


def _user_id(asking: Caller) -> int:
    if asking.user_id is None:
        raise HTTPException(403, "this is for people who are signed in, not for keys")
    return asking.user_id


def _page(request: Request, asking: Caller, installed: Installed, problem: str | None = None) -> Response:
    user_id = _user_id(asking)
    with installed.store.reading() as session:
        person = users.person(session, user_id)
        account = session.get(UserAccount, user_id)
        names = {row.id: row.name for row in brands.everything(session)}
        sessions = users.sessions_of(session, user_id, session_token(request), clock.now())
    assert person is not None
    assert account is not None
    _ = gettext_for(request, asking)
    context = {
        "person": person,
        "has_password": account.password_hash is not None,
        "roles": [
            (_(ROLES[role][0]), None if brand is None else names.get(brand, "?"))
            for brand, role in person.roles.items()
        ],
        "sessions": sessions,
        "problem": problem,
        "longest_name": LONGEST_NAME,
        "most": MOST,
    }
    return show(request, "me/me.html", asking, context, status_code=422 if problem else 200)
