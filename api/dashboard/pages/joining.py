"""First steps: the first administrator is made, an invitation is taken, a forgotten password is set anew."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from api import entering
from api.dashboard.pages.entrance import agent_of, signed_in
from api.dashboard.rendering import gettext_for, show
from api.entering import LONGEST_EMAIL, LONGEST_NAME, NAME_TAKEN, SetUpError, is_email
from api.passwords import MOST, WeakPasswordError
from api.routes.dependencies import Installed
from listener import clock
from listener.items import storable, wordless
from listener.store import tokens, users
from listener.store.tokens import Purpose

router = APIRouter(include_in_schema=False)

Token = Annotated[str, Query(max_length=200)]
TokenSent = Annotated[str, Form(max_length=200)]
Word = Annotated[str, Form(max_length=2000)]


@router.get("/setup")
def setup_page(request: Request, installed: Installed, token: Token = "") -> Response:
    """Who is the first administrator?"""
    return _setup(request, installed, token)


@router.post("/setup")
def set_up(
    request: Request,
    installed: Installed,
    token: TokenSent = "",
    name: Word = "",
    email: Word = "",
    password: Word = "",
) -> Response:
    """Make the first administrator, and sign them in."""
    _ = gettext_for(request, None)
    name = storable(name).strip()
    if wordless(name) or len(name) > LONGEST_NAME:
        return _setup(request, installed, token, _("Say what the others may call you."), name, email)
    if not is_email(email):
        return _setup(request, installed, token, _("That is no e-mail address."), name, email)
    try:
        made = entering.set_up(installed.store, token, email, name, password, agent_of(request), clock.now())
    except WeakPasswordError as error:
        return _setup(request, installed, token, _(str(error)), name, email)
    except users.TakenError:
        said = _("Somebody with this e-mail address was invited already. Use the link of the invitation.")
        return _setup(request, installed, token, said, name, email)
    except users.NameTakenError:
        return _setup(request, installed, token, _(NAME_TAKEN), name, email)
    except SetUpError:
        return _setup(request, installed, token)
    return signed_in(request, installed, made, "/")


@router.get("/join")
def join_page(request: Request, installed: Installed, token: Token = "") -> Response:
    """Which password shall it be?"""
    return _join(request, installed, token)


@router.post("/join")
def join(request: Request, installed: Installed, token: TokenSent = "", password: Word = "") -> Response:
    """Set the password of whom the link is for, and sign them in."""
    _ = gettext_for(request, None)
    try:
        made = entering.join(installed.store, token, password, agent_of(request), clock.now())
    except WeakPasswordError as error:
        return _join(request, installed, token, _(str(error)))
    if made is None:
        return _join(request, installed, token)
    return signed_in(request, installed, made, "/")


def _setup(
    request: Request, installed: Installed, token: str, problem: str | None = None, name: str = "", email: str = ""
) -> Response:
    with installed.store.reading() as session:
        done = users.administrators(session) > 0
        good = not done and tokens.look(session, Purpose.SETUP, token, clock.now()) is not None
    context = {
        "done": done, "good": good, "token": token, "problem": problem, "name": name, "email": email,
        "longest_name": LONGEST_NAME, "longest_email": LONGEST_EMAIL, "most": MOST,
    }  # fmt: skip
    status_code = 422 if problem else 403 if token and not good else 200
    return show(request, "entrance/setup.html", None, context, status_code=status_code)


def _join(request: Request, installed: Installed, token: str, problem: str | None = None) -> Response:
    person = entering.invited(installed.store, token, clock.now())
    context = {"person": person, "token": token, "problem": problem, "most": MOST}
    status_code = 403 if person is None and token else 422 if problem else 200
    return show(request, "entrance/join.html", None, context, status_code=status_code)
