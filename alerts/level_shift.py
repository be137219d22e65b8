"""Whether the level of a series has shifted for good: a step that stays is no spike. Pure statistics.

`docs/decisions/0016` says why, and what it was tried on.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

DAY_H, QUARTER_H = 24, 6

SHIFT = 3.0
"""A level has shifted where so many times as much is said as before, or so many times less."""

SHIFT_SLACK = 5
"""So many mentions in a quarter of a day more than that, since few are no evidence."""


def since_shift(mentions: Numbers, covered: npt.NDArray[np.bool_], poor: int) -> int:
    """From which hour on the present level holds: 0 where it is that of the whole history.

    Days are counted back from the end, in quarters of six hours. The level has shifted where on each of the last days
    three quarters of four hold `SHIFT` times as much as the same quarter did on three of four days before (or so many
    times less). It must have held for a third of the time before, from three days up to seven; for a day where what
    was before is too poor to compare with, in days (less than three) or in mentions.
    """
    days = len(mentions) // DAY_H
    if days < 3:
        return 0
    start = len(mentions) - days * DAY_H
    parts = (days, DAY_H // QUARTER_H, QUARTER_H)
    read = covered[start:].reshape(parts).sum(axis=2)
    said = (mentions * covered)[start:].reshape(parts).sum(axis=2)
    quarters = np.where(read >= QUARTER_H / 2, said * QUARTER_H / np.maximum(read, 1), np.nan)
    for held in range(days - 2, 0, -1):
        # The day between them may be half of each.
        before, since = quarters[: -held - 1], quarters[-held:]
        rich = len(before) >= 3 and np.nansum(before) >= poor
        if held < (min(max(-(-len(before) // 3), 3), 7) if rich else 1):
            break
        low, high = _middle_half(before)
        more = since > SHIFT * high + SHIFT_SLACK
        less = SHIFT * since + SHIFT_SLACK < low
        for other in (more, less) if rich else (more,):
            if bool((other.sum(axis=1) >= 3).all()):
                # It may have begun anywhere in the first quarter that is another one than before.
                old = np.flatnonzero(~other[0])
                return len(mentions) - held * DAY_H + (int(old[-1]) + 2 if len(old) else 1) * QUARTER_H
    return 0


def _middle_half(days: Numbers) -> tuple[Numbers, Numbers]:
    """The quartiles of each column, from those values that are known; NaN in a column without any."""
    ordered, last = np.sort(days, axis=0), np.maximum((~np.isnan(days)).sum(axis=0) - 1, 0)
    columns = np.arange(days.shape[1])
    return ordered[last // 4, columns], ordered[-(-3 * last // 4), columns]
