"""Before and after: signing in and out, and the language of the pages."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import cookies, entering, oidc
from api.access import Perhaps, session_token
from api.addresses import local
from api.dashboard.language import known
from api.dashboard.rendering import gettext_for, go, show
from api.entering import HeldUp
from api.routes.dependencies import Installed
from listener import clock
from listener.store import users
from listener.store.engine import Store

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Form(max_length=2000)]
NextAsked = Annotated[str, Query(max_length=2000)]


@router.get("/sign-in")
def sign_in_page(
    request: Request,
    asking: Perhaps,
    installed: Installed,
    next: NextAsked = "/",  # noqa: A002
    lost: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Where to sign in; whoever is signed in goes on. ``lost``: a form was sent after the session had ended."""
    if asking is not None and asking.user_id is not None:
        return go(local(next))
    _ = gettext_for(request, None)
    said = _("Your session had ended, so what you sent was not done. Sign in, and do it again.") if lost else None
    return entrance(request, installed.store, next, problem=said)


@router.post("/sign-in")
def sign_in(
    request: Request,
    installed: Installed,
    email: Annotated[str, Form(max_length=500)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    next: Next = "/",  # noqa: A002
) -> Response:
    """Sign in with a password. What is wrong with a wrong one is not told: that would tell who has an account."""
    now = clock.now()
    found = entering.sign_in(installed.store, email, password, client_of(request), agent_of(request), now)
    if isinstance(found, HeldUp):
        return held_up(request, installed, next, found.until, now, email=email)
    if found is None:
        _ = gettext_for(request, None)
        said = _("The e-mail address or the password is not right.")
        return entrance(request, installed.store, next, email=email, problem=said, status_code=422)
    return signed_in(request, installed, found, next)


@router.post("/sign-out")
def sign_out(request: Request, asking: Perhaps, installed: Installed) -> RedirectResponse:
    """End this session."""
    if asking is not None and (token := session_token(request)) is not None:
        with installed.store.transaction() as session:
            users.close_session(session, token)
    answer = go("/sign-in")
    cookies.sign_out(answer, installed.settings)
    return answer


@router.post("/language")
def language(
    asking: Perhaps,
    installed: Installed,
    language: Annotated[str, Form(max_length=10)] = "",
    next: Next = "/",  # noqa: A002
) -> RedirectResponse:
    """Show the pages in this language from now on: in this browser, and to whoever is signed in wherever they are."""
    answer, wanted = go(local(next)), known(language)
    if wanted is not None:
        if asking is not None and asking.user_id is not None:
            with installed.store.transaction() as session:
                users.choose_language(session, asking.user_id, wanted)
        cookies.choose(answer, wanted, installed.settings)
    return answer


def entrance(
    request: Request,
    store: Store,
    wanted: str,
    *,
    email: str = "",
    problem: str | None = None,
    until: datetime | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    """The page to sign in, which leads on to ``wanted``. ``until``: when a password may be tried again."""
    with store.reading() as session:
        awaited = users.administrators(session) == 0
    provider: oidc.Provider | None = request.app.state.oidc
    context = {
        "next": local(wanted), "email": email, "problem": problem, "until": until, "awaited": awaited,
        "provider": None if provider is None else provider.name,
    }  # fmt: skip
    return show(request, "entrance/sign_in.html", None, context, status_code=status_code)


def held_up(
    request: Request, installed: Installed, wanted: str, until: datetime, now: datetime, *, email: str = ""
) -> HTMLResponse:
    """The same for whoever has to wait."""
    answer = entrance(request, installed.store, wanted, email=email, until=until, status_code=429)
    answer.headers["Retry-After"] = str(round((until - now).total_seconds()) + 1)
    return answer


def signed_in(request: Request, installed: Installed, token: str, wanted: str) -> RedirectResponse:
    """On to a page of ours with a new session; the one that this browser had before is over."""
    if (before := session_token(request)) is not None:
        with installed.store.transaction() as session:
            users.close_session(session, before)
    answer = go(local(wanted))
    cookies.sign_in(answer, token, installed.settings)
    return answer


def client_of(request: Request) -> str:
    """The client's network address, as uvicorn knows it (a proxy's word counts where FORWARDED_ALLOW_IPS allows)."""
    return request.client.host if request.client is not None else ""


def agent_of(request: Request) -> str:
    """What the browser calls itself."""
    return request.headers.get("user-agent", "")
