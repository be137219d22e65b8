"""What a storm is made of: people who complain about one brand, no two alike, and a Slack that is hard to reach."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pytest_httpserver import HTTPServer
from receive_slack import Receiver, Temper
from werkzeug import Request, Response

from listener.items import Author, Item
from tests.alerts.slack.fake_slack import CHANNEL, SIGNING_SECRET, TOKEN, FakeSlack

BRAND = "Aeroluz"
PLATFORMS = ("x", "reddit", "mastodon", "bluesky")
SILENCE_S = 3.0
TIMEOUT_S = 2.0
"""Seconds that a sender waits for an answer: fewer than the server is silent."""

ENGLISH = (
    ("This is the worst airline I have ever flown.", "I am furious with {brand}.", "Never again {brand}.",
     "{brand} is an absolute disgrace.", "Shame on you {brand}.", "What a nightmare with {brand}."),
    ("My flight from {city} was cancelled without a word", "They lost my suitcase in {city}",
     "Stuck in {city} for {hours} hours", "Booking {code} charged twice and nobody in {city} cares",
     "{hours} hours on hold from {city} and then they hung up", "They left my {age}-year-old mother alone in {city}"),
    ("and {brand} refuses to refund booking {code}.", "and the staff of {brand} were rude and useless.",
     "and {brand} just lies about it, case {code}.", "and {brand} does not even answer, reference {code}.",
     "and {brand} ruined the whole holiday of my family.", "and nobody at {brand} apologised, ticket {code}."),
    ("I hate them.", "Terrible service.", "Avoid at all costs!", "I want my money back.", "Disgusting.", "Pathetic."),
)  # fmt: skip
SPANISH = (
    ("La peor aerolínea que he visto nunca.", "Estoy harto de {brand}.", "Nunca más {brand}.",
     "{brand} es una vergüenza.", "Qué asco de servicio el de {brand}.", "Menuda pesadilla con {brand}."),
    ("Me cancelaron el vuelo desde {city} sin avisar", "Perdieron mi maleta en {city}",
     "Llevo {hours} horas tirado en {city}", "Me cobraron dos veces la reserva {code} en {city}",
     "{hours} horas al teléfono desde {city} y me colgaron", "Dejaron sola a mi madre de {age} años en {city}"),
    ("y {brand} se niega a devolverme el dinero de {code}.", "y el personal de {brand} fue grosero e inútil.",
     "y {brand} encima miente, caso {code}.", "y {brand} ni contesta, referencia {code}.",
     "y {brand} arruinó las vacaciones de mi familia.", "y nadie de {brand} pide perdón, billete {code}."),
    ("Los odio.", "Pésimo servicio.", "¡No voléis con ellos!", "Quiero mi dinero.", "Asqueroso.", "Lamentable."),
)  # fmt: skip
CITIES = (
    "Madrid", "Lisbon", "Quito", "Bogotá", "London", "Paris", "Lima", "Miami", "Berlin", "Rome", "Porto", "Sevilla",
    "Dublin", "Oslo", "Cusco", "Vigo",
)  # fmt: skip


def said(number: int, written: datetime, dice: random.Random) -> Item:
    """What one of them says."""
    parts = dice.choice((ENGLISH, SPANISH))
    text = " ".join(dice.choice(part) for part in parts).format(
        brand=BRAND, city=dice.choice(CITIES), hours=dice.randint(3, 40), age=dice.randint(60, 99),
        code=f"{dice.randrange(16**6):06X}",
    )  # fmt: skip
    platform, person = dice.choice(PLATFORMS), dice.randrange(6_000)
    followers = round(dice.paretovariate(0.9) * 40)
    return Item(
        kind=platform, native_id=f"storm-{number}", text=text, created_at=written, reach=min(followers, 5_000_000),
        url=f"https://{platform}.example/{number}", author=Author(f"p{person}", handle=f"person{person}"),
    )  # fmt: skip


class Slack(Protocol):
    """A receiver. ``arrived``: when (seconds since 1970), how ("post", "thread", "update") and with which key."""

    arrived: list[tuple[float, str, str]]
    answered: dict[str, int]
    channel: dict[str, Any]
    """How escucha.yml describes it."""


class WebhookSlack:
    """An incoming webhook."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self.answered = receiver.answered
        self.channel = {"name": "slack", "kind": "slack", "url": receiver.url, "timeout": TIMEOUT_S}

    @property
    def arrived(self) -> list[tuple[float, str, str]]:
        receiver = self._receiver
        with receiver.lock:
            return [
                (at, "post", key_in(message)) for at, message in zip(receiver.taken_at, receiver.taken, strict=True)
            ]


class BotSlack(FakeSlack):
    """The Web API, in as bad a temper as it is told to be; reading it is as hard as writing to it."""

    def __init__(self, server: HTTPServer, temper: Temper, clock: Callable[[], float]) -> None:
        super().__init__(server, clock)
        self._temper = temper
        self._lock = threading.Lock()
        self.answered: dict[str, int] = {}
        self.arrived: list[tuple[float, str, str]] = []
        self.channel = {
            "name": "slack", "kind": "slack_bot", "token": TOKEN, "channel": CHANNEL, "timeout": TIMEOUT_S,
            "signing_secret": SIGNING_SECRET, "base_url": self.base_url,
        }  # fmt: skip

    def answer(self, request: Request) -> Response:
        with self._lock:
            turn = self._temper.turn()
            self.answered[turn] = self.answered.get(turn, 0) + 1
            answer = super().answer(request) if turn in ("ok", "lost") else Response("oops", 500)
        if turn == "429":
            error = json.dumps({"ok": False, "error": "ratelimited"})
            return Response(error, 429, {"Retry-After": "1"}, content_type="application/json")
        if turn in ("silence", "lost"):
            time.sleep(SILENCE_S)
        return answer

    def _post(self, room: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = super()._post(room, arguments)
        self._note("thread" if arguments.get("thread_ts") else "post", arguments, answer)
        return answer

    def _update(self, room: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = super()._update(room, arguments)
        self._note("update", arguments, answer)
        return answer

    def _note(self, how: str, arguments: dict[str, Any], answer: dict[str, Any]) -> None:
        if answer["ok"]:
            self.arrived.append((time.time(), how, arguments["metadata"]["event_payload"]["key"]))


def key_in(message: Any) -> str:
    """The stable id that a webhook's message carries in its last block."""
    return str(message["blocks"][-1]["elements"][0]["text"]).rsplit(" ", 1)[-1]


@contextmanager
def webhook(temper: Temper, _clock: Callable[[], float] = time.time) -> Iterator[Slack]:
    """A webhook that is served while the block runs; it has no use for a clock."""
    receiver = Receiver(0, None, ["ok"], SILENCE_S, 1, temper)
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield WebhookSlack(receiver)
    finally:
        receiver.shutdown()
        receiver.server_close()


@contextmanager
def bot(temper: Temper, clock: Callable[[], float] = time.time) -> Iterator[Slack]:
    """The Web API, served while the block runs; its messages carry the times of its clock, in seconds since 1970."""
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        yield BotSlack(server, temper, clock)


def moments(number: int, over: timedelta) -> list[datetime]:
    """When each of so many speaks, evenly over a stretch from now on."""
    now = datetime.now(UTC)
    return [now + over * (index / number) for index in range(number)]
