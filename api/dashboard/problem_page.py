"""The page that people are shown where something cannot be done: what it means for them, in their language."""

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from api.dashboard import rendering
from api.dashboard.language import N_

_WORDS: Mapping[int, tuple[str, str]] = {
    400: (N_("This could not be read"), N_("Go back, load the page again, and try once more.")),
    401: (N_("Nobody is signed in"), N_("Your session is over. Sign in again, and go on where you were.")),
    403: (N_("You may not do this"), N_("It takes a role that you do not have. An administrator can give it to you.")),
    404: (
        N_("There is nothing here"),
        N_("It is gone, or the address is not right, or it belongs to a brand that is not among yours."),
    ),
    405: (
        N_("This cannot be done here"),
        N_("The address is right, but nothing can be sent to it. Go back and try again."),
    ),
    409: (
        N_("Something has changed meanwhile"),
        N_("Load the page again, look at what is there now, and try once more."),
    ),
    413: (N_("That is too much at once"), N_("Send less: a shorter text or a smaller file.")),
    422: (
        N_("This cannot be taken"),
        N_("Something in the form or the address is not as it should be. Go back and look at it again."),
    ),
    429: (N_("That was too often"), N_("Wait a few minutes, then try again.")),
    500: (
        N_("Something in Escucha is broken"),
        N_("This is not your fault. Look whether what you sent is there before you send it again."),
    ),
    503: (N_("Escucha is busy"), N_("Nothing was changed. Try again in a moment.")),
}
"""Status -> what happened, and what to do."""

_ALIKE = {412: 409, 408: 503, 415: 400, 428: 409, 502: 503, 504: 503}

_FORGED = N_("This form is from before you signed in, or from elsewhere. Load the page again and send it once more.")


def show(
    request: Request,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    reference: str | None = None,
    forged: bool = False,
) -> Response:
    """The page. ``reference``: under which the log tells more; ``forged``: a form that was not from our own page."""
    title, advice = _WORDS.get(_ALIKE.get(status, status), _WORDS[500 if status >= 500 else 400])
    # Who asks was found out with the database: where that is in trouble, nothing more is asked of it.
    asking = getattr(request.state, "caller", None) if status < 500 else None
    _ = rendering.gettext_for(request, asking)
    shown = {"heading": _(title), "advice": _(_FORGED if forged else advice), "reference": reference, "status": status}
    answer = rendering.show(request, "problem.html", asking, shown, status_code=status)
    answer.headers.update(headers or {})
    return answer
