"""What an HTTP answer means for the delivery, for channels that have no finer words of their own.

Who is to act decides: nobody but time (`TryLater`), a person about this message (`Undeliverable`), or a person about
the channel (`disables_channel`).
"""

from collections.abc import Collection

from alerts.channel import DeliveryError, TryLater, Undeliverable
from alerts.reasons import Reason
from alerts.retry_after import LONGEST, seconds_to_wait
from alerts.text import one_line, shorten
from alerts.web.post import Answer
from alerts.wording import counted

GONE = frozenset({401, 404, 410})
"""What a platform answers where its address, which is the credential too, is not good any more.

403 alone says nothing of the kind: a firewall, a proxy or a filter on the way answers it to what a stranger wrote, and
no stranger is to be able to switch a channel off. Where a platform means it so, its own word beside the 403 tells.
"""

FILTERED = "it, or a firewall on the way to it, does not accept this message; read it in Escucha instead"
"""What a person is told of a 403 without such a word."""


def failure_in(
    answer: Answer,
    host: str,
    advice: str,
    *,
    gone: Collection[int] = GONE,
    pages: bool = False,
    wait: float | None = None,
) -> DeliveryError | None:
    """The failure that an answer stands for; None when the message was taken.

    `advice`: what a person does where the channel itself is refused. `gone`: the statuses that say so. `pages`: a web
    page with a good status takes the message too. `wait`: seconds that the platform asked for in words of its own;
    None = as the headers say.
    """
    status = answer.status
    said = f"{host} answered {status}" + (f" ({words})" if (words := in_short(answer)) else "")
    if wait is None:
        wait = seconds_to_wait(answer.headers.get("Retry-After"), answer.headers.get("Date"))
    else:
        wait = min(max(wait, 0.0), LONGEST)
    if 200 <= status < 300:
        if pages or not answer.is_page:
            return None
        page = f"{host} answered with a web page, which no webhook does: {advice}"
        return Undeliverable(Reason.CHANNEL_REFUSED, page, disables_channel=True)
    if status == 429:
        asked = f"in {counted(round(wait), 'second')}" if wait is not None else "later"
        slow = f"{host} asked us to come back {asked} (429)"
        return TryLater(Reason.RATE_LIMITED, slow, after=wait, ambiguous=False, whole_channel=True)
    if status >= 500:
        failed = f"{said}: its server failed, and may have taken the message"
        return TryLater(Reason.SERVER_ERROR, failed, after=wait, ambiguous=True)
    if status in (408, 425):
        slow = f"{said}: it waited too long for our request"
        return TryLater(Reason.TIMED_OUT, slow, after=wait, ambiguous=True)
    if status < 400:
        elsewhere = f"{host} answered {status}, a redirect, which is not followed: {advice}"
        return Undeliverable(Reason.CHANNEL_REFUSED, elsewhere, disables_channel=True)
    if status in gone:
        return Undeliverable(Reason.CHANNEL_REFUSED, f"{said}: {advice}", disables_channel=True)
    if status == 413:
        return Undeliverable(Reason.REJECTED, f"{said}: the message is too long for it; read it in Escucha instead")
    if status == 403:
        return Undeliverable(Reason.REJECTED, f"{said}: {FILTERED}")
    return Undeliverable(
        Reason.REJECTED, f"{said}: it does not accept this message; read it in Escucha, and please report this"
    )


def in_short(answer: Answer, limit: int = 80) -> str:
    """What the server said, on one line; a web page says nothing on one line."""
    return "" if answer.is_page else shorten(one_line(answer.body), limit)
