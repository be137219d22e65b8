#!/usr/bin/env python3
"""A stand-in for Slack's incoming webhooks: answers as Slack documents, and keeps what it took as JSON lines.

    scripts/receive_slack.py --port 8899 --log /tmp/slack.jsonl --behave ok,429,500,silence

Point ESCUCHA_SLACK_WEBHOOK_URL at http://127.0.0.1:8899/services/T000/B000/local. The behaviours take turns, one a
request. A request that is answered with an error or not at all is not kept, as if Slack had not taken it; "lost" is
taken and kept, and then never answered: the case in which nobody can tell.
Protocol: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import argparse
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BEHAVIOURS = ("ok", "429", "500", "silence", "lost")


class Receiver(ThreadingHTTPServer):
    """The server. ``taken``: the messages kept; ``answered``: how often each behaviour was shown."""

    daemon_threads = True

    def __init__(self, port: int, log: Path | None, behave: list[str], silence_s: float, retry_after_s: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.turns = itertools.cycle(behave)
        self.lock = threading.Lock()
        self.log = log
        self.silence_s = silence_s
        self.retry_after_s = retry_after_s
        self.taken: list[dict[str, object]] = []
        self.answered: dict[str, int] = dict.fromkeys(behave, 0)

    @property
    def url(self) -> str:
        """The webhook's address."""
        return f"http://127.0.0.1:{self.server_port}/services/T000/B000/local"

    def keep(self, message: dict[str, object]) -> None:
        """Remember a message."""
        self.taken.append(message)
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
            turn = next(self.server.turns)
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
    args = parser.parse_args()
    behave = args.behave.split(",")
    if unknown := set(behave) - set(BEHAVIOURS):
        parser.error(f"no behaviour is called {', '.join(sorted(unknown))}; there are {', '.join(BEHAVIOURS)}")
    receiver = Receiver(args.port, args.log, behave, args.silence, args.retry_after)
    print(f"receiving at {receiver.url}; stop with Ctrl-C", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        print(f"{len(receiver.taken)} messages taken; answers: {receiver.answered}")


if __name__ == "__main__":
    main()
