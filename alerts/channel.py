"""What a channel is: it sends one notice, and its failures say what the caller must do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from alerts.notice import Notice
from alerts.reasons import Reason


@dataclass(frozen=True, slots=True)
class Receipt:
    """The channel took the notice. `detail` is what it said: "ok", a message id.

    `ref` names the message for later updates and replies, as the channel itself writes it; None where there is no such.
    """

    detail: str
    ref: str | None = None


class Mode(StrEnum):
    """How a notice goes out. Names are stored: never rename one."""

    POST = "post"
    """A new message."""
    THREAD = "thread"
    """A new message under the incident's first one, where the channel has threads; else as a new one."""
    UPDATE = "update"
    """The incident's message is changed; nobody is woken by it."""


class Channel(Protocol):
    """A way to reach people. `name` is the one in the configuration, `kind` the one in the registry.

    `edits`: a message that was sent can be changed later; `send` with Mode.UPDATE is asked of such channels alone.
    """

    name: str
    kind: ClassVar[str]
    edits: ClassVar[bool]

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        """Send once, without retries of its own. Raises TryLater or Undeliverable, nothing else on purpose.

        `ref`: the receipt's of the message to change, or to reply under; None for Mode.POST. The stable id of the
        notice, its `key`, is carried in what is sent.
        """
        ...


@runtime_checkable
class Searchable(Protocol):
    """A channel that can be read: what looked lost can be looked for before it is sent again."""

    def find(self, key: str, since: datetime, ref: str | None = None) -> Receipt | None:
        """The message that carries this key, sent after `since`; None where there is certainly none.

        `ref`: for Mode.THREAD, what `send` was given: replies stand elsewhere than messages. A change (Mode.UPDATE) is
        not looked for, since making it twice does no harm. Raises TryLater or Undeliverable where it cannot be said.
        """
        ...


class DeliveryError(Exception):
    """A notice was not taken. The message is for people: what happened and what to do, without secrets."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Keep the reason beside the message."""
        super().__init__(message)
        self.reason = reason
        self.message = message


class TryLater(DeliveryError):
    """Worth another try. `after` is the least wait in seconds that the channel asked for, None if it did not say.

    `ambiguous`: the notice may have arrived all the same, so a second try may show it twice.
    """

    def __init__(
        self, reason: Reason, message: str, after: float | None, ambiguous: bool, *, whole_channel: bool = False
    ) -> None:
        """`whole_channel`: nothing else may be sent there either until the wait is over."""
        super().__init__(reason, message)
        self.after = after
        self.ambiguous = ambiguous
        self.whole_channel = whole_channel


class Undeliverable(DeliveryError):
    """No further try will help. `disables_channel`: no other notice will get through either, until a person acts."""

    def __init__(self, reason: Reason, message: str, disables_channel: bool = False) -> None:
        """Not disabling is the default: one bad message must not silence a channel."""
        super().__init__(reason, message)
        self.disables_channel = disables_channel


class ChannelSetupError(ValueError):
    """The channel's options are wrong. The message says which and what would be right, without secrets."""


def unforeseen(error: Exception) -> TryLater:
    """Any other exception out of `send`, as a failure to handle: retried, since nobody knows, and marked ambiguous.

    The exception's own text is left out: nobody checked it for secrets. It belongs in the log with its traceback.
    """
    return TryLater(
        Reason.UNEXPECTED,
        f"sending failed with {type(error).__name__}, which the channel does not know how to handle: please report it",
        after=None,
        ambiguous=True,
    )


def lease_expired() -> TryLater:
    """The failure of a try that nobody finished: its worker stopped, or took longer than its lease."""
    return TryLater(
        Reason.LEASE_EXPIRED,
        "the worker that was sending this stopped before it could say how it went",
        after=None,
        ambiguous=True,
    )
