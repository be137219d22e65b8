#!/usr/bin/env python3
"""A stand-in for Slack's incoming webhooks: answers as Slack documents, and keeps what it took as JSON lines.

    scripts/receive_slack.py --port 8899 --log /tmp/slack.jsonl --behave ok,429,500,silence
    scripts/receive_slack.py --port 8899 --rate 1 --failing 0.33

Point ESCUCHA_SLACK_WEBHOOK_URL at http://127.0.0.1:8899/services/T000/B000/local. The behaviours take turns, one a
request. A request that is answered with an error or not at all is not kept, as if Slack had not taken it; "lost" is
taken and kept, and then never answered: the case in which nobody can tell. With --rate those that come faster are
answered with 429; with --failing that share of the others fails, in turn by lost answers, 500s and silence.
Protocol: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import argparse
import itertools
import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOURS = ("ok", "429", "500", "silence", "lost")
FAILURES = ("lost", "500", "silence")


class Temper:
    """How a server treats what comes: at most ``rate`` messages a second (None = any number), and of those a share of
    ``failing`` fails, from the first one on, in each way in turn."""

    def __init__(self, rate: float | None, failing: float) -> None:
        self._pause_s = 1 / rate if rate else 0.0
        self._failing = failing
        self._ways = itertools.cycle(FAILURES)
        self._free_at = 0.0
        self._owed = 1.0

    def turn(self) -> str:
        """What comes of the next message; call it with whatever lock the server has."""
        now = time.monotonic()
        if now < self._free_at:
            return "429"
        self._free_at = now + self._pause_s
        # A third three times is hardly less than one.
        failed = self._failing > 0 and self._owed > 1 - 1e-9
        self._owed += self._failing - failed
        return next(self._ways) if failed else "ok"


class Receiver(ThreadingHTTPServer):
    """The server. ``taken``: the messages kept, and when (``taken_at``, seconds since 1970); ``answered``: how often
    each behaviour was shown. With a ``temper`` that says how to behave, instead of ``behave`` in turn."""

    daemon_threads = True

    def __init__(
        self, port: int, log: Path | None, behave: list[str], silence_s: float, retry_after_s: int,
        temper: Temper | None = None,
    ) -> None:  # fmt: skip
        super().__init__(("127.0.0.1", port), _Handler)
        turns = itertools.cycle(behave)
        self.next_turn = temper.turn if temper else lambda: next(turns)
        self.lock = threading.Lock()
        self.log = log
        self.silence_s = silence_s
        self.retry_after_s = retry_after_s
        self.taken: list[dict[str, object]] = []
        self.taken_at: list[float] = []
        self.answered: dict[str, int] = dict.fromkeys(BEHAVIOURS if temper else behave, 0)

    @property
    def url(self) -> str:
        """The webhook's address."""
        return f"http://127.0.0.1:{self.server_port}/services/T000/B000/local"

    def keep(self, message: dict[str, object]) -> None:
        """Remember a message."""
        self.taken.append(message)
        self.taken_at.append(time.time())
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(message, ensure_ascii=False) + "\n")


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith("/services/"):
            self._answer(404, "no_service")
            return
        try:
            message = json.loads(body)
        except ValueError:
            self._answer(400, "invalid_payload")
            return
        with self.server.lock:
            turn = self.server.next_turn()
            self.server.answered[turn] += 1
            if turn in ("ok", "lost"):
                self.server.keep(message)
        if turn == "ok":
            self._answer(200, "ok")
        elif turn == "429":
            self._answer(429, "rate_limited", {"Retry-After": str(self.server.retry_after_s)})
        elif turn == "500":
            self._answer(500, "server_error")
        else:
            time.sleep(self.server.silence_s)
            self.close_connection = True

    def _answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        # Whoever asked may have gone, or been killed.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.end_headers()
            self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Quiet: the log file says what was taken."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--log", type=Path, help="a file that what was taken is added to, a JSON object a line")
    parser.add_argument("--behave", default="ok", help=f"what to do in turn, of {', '.join(BEHAVIOURS)} (default: ok)")
    parser.add_argument(
        "--silence", type=float, default=30.0, help="seconds of silence before the connection is closed"
    )
    parser.add_argument("--retry-after", type=int, default=2, help="seconds in the Retry-After header of a 429")
    parser.add_argument("--rate", type=float, help="messages a second that are let through; the others get a 429")
    parser.add_argument("--failing", type=float, default=0.0, help="the share of the others that fails, from 0 to 1")
    args = parser.parse_args()
    behave = args.behave.split(",")
    if unknown := set(behave) - set(BEHAVIOURS):
        parser.error(f"no behaviour is called {', '.join(sorted(unknown))}; there are {', '.join(BEHAVIOURS)}")
    temper = Temper(args.rate, args.failing) if args.rate or args.failing else None
    receiver = Receiver(args.port, args.log, behave, args.silence, args.retry_after, temper)
    print(f"receiving at {receiver.url}; stop with Ctrl-C", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        print(f"{len(receiver.taken)} messages taken; answers: {receiver.answered}")


if __name__ == "__main__":
    main()
