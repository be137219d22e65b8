"""What Reddit no longer shows: things looked up by their fullnames (https://www.reddit.com/dev/api#GET_api_info).

Whatever is called gone here is blanked for good, so Reddit has to say it. A deleted or removed thing is still named,
without its words. One that is not named at all went with its subreddit, or the answer was cut short, or one odd name
spoilt it (reddit issue 1347): it counts as gone only where it is missing once more, beside one that is there.
"""

from collections.abc import Mapping, Sequence

import structlog

from listener.source import RetriableSourceError
from listener.sources.reddit.client import Client
from listener.sources.reddit.things import name_of, why_gone

log = structlog.get_logger()


def gone(client: Client, native_ids: Sequence[str]) -> Mapping[str, str]:
    """Which of these are gone and why. What stays unclear is not among them: the next round asks again.

    Raises RetriableSourceError where Reddit names none of them, and what the client raises.
    """
    names = [name for name in native_ids if name.startswith(("t1_", "t3_")) and name.replace("_", "").isalnum()]
    if not names:
        return {}
    found, _odd = _look_up(client, names)
    there = [name for name in names if name in found]
    if not there:
        raise RetriableSourceError(
            f"Reddit named none of {len(names)} things that were looked up: nothing is taken for deleted, and they are "
            "looked up again later"
        )
    whys = {name: found[name] for name in there}
    unclear: list[str] = []
    for name in names:
        if name in found:
            continue
        again, odd = _look_up(client, [name, there[0]])
        if name in again:
            whys[name] = again[name]
        elif there[0] in again and not odd:
            whys[name] = "no longer there"
        else:
            unclear.append(name)
    if unclear:
        log.warning("lookup_unclear", kind="reddit", things=len(unclear), first=unclear[0])
    return {name: why for name, why in whys.items() if why is not None}


def _look_up(client: Client, names: Sequence[str]) -> tuple[Mapping[str, str | None], bool]:
    """Why each named thing is gone (None = it is not), and whether there was something without a readable name."""
    things, _after = client.listing("api/info", {"id": ",".join(names)})
    named = {name: why_gone(thing) for thing in things if (name := name_of(thing)) is not None}
    return named, len(named) < len(things)
