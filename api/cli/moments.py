"""Moments as people write them on a command line."""

from datetime import UTC, date, datetime, time, timedelta

import typer


def moment_of(text: str, option: str, *, whole_day: bool = False) -> datetime:
    """From 2026-05-01 or 2026-05-01T12:00, in UTC unless it says otherwise. ``whole_day``: a day is meant to its end.

    Raises typer.BadParameter for what is neither; ``option`` is where it stood.
    """
    try:
        if len(text) == len("2026-05-01"):
            day = date.fromisoformat(text)
            return datetime.combine(day, time(), UTC) + timedelta(days=int(whole_day))
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is no day (2026-05-01) and no time (2026-05-01T12:00)", param_hint=option
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
