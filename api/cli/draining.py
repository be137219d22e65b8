"""Work until nothing is left, and show how far it is."""

import time
from datetime import timedelta

from alerts.wording import counted
from api.cli.output import progress
from listener import clock
from listener.pipeline import Pipeline
from listener.store.read import Pending

_BARS = {"unscored": "scoring", "unjudged": "judging", "undecided": "deciding", "undelivered": "delivering"}


def drain(pipeline: Pipeline, wait: timedelta, poll_seconds: float = 0.25) -> Pending:
    """Wait while workers running elsewhere in this process finish; what is left when they have, or when time is up.

    Time is counted from the last progress made, so that a long queue is not cut off while it moves.
    """
    pending = pipeline.pending()
    moved_at = clock.monotonic()
    with progress() as bars:
        tasks = {name: bars.add_task(label, total=getattr(pending, name)) for name, label in _BARS.items()}
        most = {name: getattr(pending, name) for name in _BARS}
        while not pending.nothing and clock.monotonic() - moved_at < wait.total_seconds():
            time.sleep(poll_seconds)
            before, pending = pending, pipeline.pending()
            if before != pending:
                moved_at = clock.monotonic()
            for name, task in tasks.items():
                left = getattr(pending, name)
                most[name] = max(most[name], left)
                bars.update(task, total=most[name], completed=most[name] - left)
    return pending


def in_words(pending: Pending) -> str:
    """What is left for each stage, without those that are done."""
    parts = [
        f"{counted(number, what)} to be {done}"
        for number, what, done in (
            (pending.unscored, "mention", "scored"),
            (pending.unjudged, "mention", "judged"),
            (pending.undecided, "incident", "decided upon"),
            (pending.undelivered, "notice", "sent"),
        )
        if number
    ]
    return ", ".join(parts)
