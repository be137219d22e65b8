"""A bound on a whole conversation over a socket.

A socket's own timeout bounds each wait: an endpoint that says a little again and again keeps its caller for ever, while
the lease of what is sent runs out and another process sends it too. So whoever sends says how long it may take in all,
and when that is over the line is cut.
"""

import socket
from threading import Lock, Timer
from typing import Self


class Deadline:
    """Cuts the socket that it watches once the time is over; then whoever waits for it gets an error.

    with Deadline(30) as deadline:
        deadline.watch(connection)
    """

    def __init__(self, seconds: float) -> None:
        """The time runs from the beginning of the block."""
        self.seconds = seconds
        self.passed = False
        """Whether the time is over, and the line was cut."""
        self._socket: socket.socket | None = None
        self._lock = Lock()
        self._timer = Timer(seconds, self._over)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def watch(self, connection: socket.socket) -> None:
        """From now on this one, which is cut at once where the time is over already."""
        with self._lock:
            self._socket = connection
            if self.passed:
                _cut(connection)

    def _over(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                _cut(self._socket)


def _cut(connection: socket.socket) -> None:
    try:
        # Not TLS's own, which another thread is in the midst of using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        # It is closed already, or was never open.
        return
