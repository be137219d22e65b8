"""Before and after: signing out, and the language of the pages."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from api import cookies
from api.access import COOKIE, Perhaps
from api.addresses import local
from api.dashboard.language import known
from api.dashboard.rendering import go
from api.routes.dependencies import Installed
from listener.store import users

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Form(max_length=2000)]


@router.post("/language")
def language(
    asking: Perhaps,
    installed: Installed,
    language: Annotated[str, Form(max_length=10)],
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


@router.post("/sign-out")
def sign_out(request: Request, asking: Perhaps, installed: Installed) -> RedirectResponse:
    """End this session."""
    if asking is not None and (token := request.cookies.get(COOKIE)) is not None:
        with installed.store.transaction() as session:
            users.close_session(session, token)
    answer = go("/sign-in")
    cookies.sign_out(answer, installed.settings)
    return answer
