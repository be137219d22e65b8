"""What the buttons of an incident ask for."""

from datetime import UTC, datetime

from api.dashboard.acting import Asked, act_of


def test_tomorrow_is_the_readers_tomorrow() -> None:
    now = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # 00:30 of the day on which Madrid's clocks are put forward
    for zone, expected in (
        ("Europe/Madrid", datetime(2026, 3, 30, 7, tzinfo=UTC)),
        ("America/Lima", datetime(2026, 3, 29, 14, tzinfo=UTC)),
        ("../etc/passwd", datetime(2026, 3, 29, 9, tzinfo=UTC)),
    ):
        doing = act_of("snooze", Asked(length="tomorrow", zone=zone), now)
        assert doing is not None
        assert doing.what["until"].astimezone(UTC) == expected
