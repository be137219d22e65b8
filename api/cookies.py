"""The cookies that pages set, and with what a browser is told of each."""

from starlette.responses import Response

from api.access import COOKIE as SESSION
from api.addresses import cookie_name, secure
from api.dashboard.language import COOKIE as LANGUAGE
from api.dashboard.language import Language
from listener.config import Settings
from listener.store.users import LASTS

_YEAR_S = 365 * 86400


def keep(response: Response, name: str, value: str, seconds: float, settings: Settings) -> None:
    """Have a browser keep a cookie: out of reach of scripts, and not sent with what other sites' pages ask."""
    response.set_cookie(
        name, value, max_age=round(seconds), path="/", secure=secure(settings), httponly=True, samesite="lax"
    )


def drop(response: Response, name: str, settings: Settings) -> None:
    """Have it forgotten."""
    response.delete_cookie(name, path="/", secure=secure(settings), httponly=True, samesite="lax")


def sign_in(response: Response, token: str, settings: Settings) -> None:
    """The cookie of a session."""
    keep(response, cookie_name(SESSION, settings), token, LASTS.total_seconds(), settings)


def sign_out(response: Response, settings: Settings) -> None:
    """No session any more."""
    drop(response, cookie_name(SESSION, settings), settings)


def choose(response: Response, language: Language, settings: Settings) -> None:
    """The pages' language in this browser."""
    keep(response, LANGUAGE, language, _YEAR_S, settings)
