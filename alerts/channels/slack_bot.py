"""Slack through a bot: one message for each incident that is kept up to date, replies under it, and buttons."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, field_validator
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from alerts.channel import DeliveryError, Mode, Receipt, TryLater, Undeliverable
from alerts.notice import Notice, NoticeKind
from alerts.reasons import Reason
from alerts.severity import Severity
from alerts.slack.answers import failure_in
from alerts.slack.errors import failure_of_call, thread_is_gone
from alerts.slack.message import EVENT_TYPE, compose
from alerts.slack.signature import SigningSecret
from alerts.slack.web_api import WebApi
from alerts.slack.wire import Wire
from alerts.web.address import Address

LONGEST_TIMEOUT = 10.0
"""Seconds. A call may take this three times (to connect, to shake hands, to answer), and a send may take two calls,
where the thread to reply in is gone; its lease must be longer."""

_FOR_ALL = frozenset({NoticeKind.ESCALATED, NoticeKind.REMINDER, NoticeKind.REOPENED})
"""Replies that stand in the channel too, as news of what is critical does: Slack tells of a reply only those who follow
its thread, and before somebody has answered there nobody follows a bot's."""

FIND_PAGES = 3
PAGE = 100
"""Messages on a page; Slack advises 200 at most."""

CLOCKS_APART = timedelta(minutes=1)
"""How far Slack's clock and ours may lie apart."""

_RESPONSE_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


def _is_bot_token(token: SecretStr) -> SecretStr:
    value = token.get_secret_value().strip()
    if value.startswith("xoxe"):
        raise ValueError("got a token that expires; switch token rotation off in the app's settings")
    if not value.startswith("xoxb-") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("a bot token begins with xoxb-; it stands in the app's settings under OAuth & Permissions")
    return SecretStr(value)


def _is_secret(secret: SecretStr) -> SecretStr:
    return SecretStr(SigningSecret.checked(secret.get_secret_value()).secret)


class SlackBotOptions(BaseModel):
    """`token` and `signing_secret` are secrets; `timeout` is in seconds; `proxy` is an http:// address.

    `channel` is an id. Without a `signing_secret` messages have no buttons. `team`: only its members' presses count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: Annotated[SecretStr, AfterValidator(_is_bot_token)]
    channel: str
    signing_secret: Annotated[SecretStr, AfterValidator(_is_secret)] | None = None
    team: str | None = Field(default=None, pattern="^[TE][A-Z0-9]{2,20}$")
    timeout: float = Field(default=5.0, gt=0, le=LONGEST_TIMEOUT)
    proxy: str | None = None
    base_url: str = "https://slack.com/api/"

    @field_validator("channel")
    @classmethod
    def _is_id(cls, channel: str) -> str:
        if not (channel[:1] in ("C", "G", "D") and channel.isalnum() and channel.isascii() and channel.isupper()):
            raise ValueError(
                "write the channel's id, such as C0123456789; it stands at the end of the channel's details"
            )
        return channel


class SlackBot:
    """One channel that a bot writes to. Safe to use from several threads: nothing is kept between two sends.

    `team`: whose members' presses count; None = those of everybody in the channel.
    """

    kind: ClassVar[str] = "slack_bot"
    edits: ClassVar[bool] = True

    def __init__(self, name: str, options: SlackBotOptions) -> None:
        """Nothing is connected yet. Raises ChannelSetupError for a proxy that is none."""
        self.name = name
        self.team = options.team
        self._channel = options.channel
        self._buttons = options.signing_secret is not None
        self._timeout = options.timeout
        self._proxy = options.proxy
        self._place = urlsplit(options.base_url)
        self._host = self._place.netloc
        self._api = WebApi(options.token.get_secret_value(), options.base_url, options.timeout, options.proxy)

    @classmethod
    def from_options(cls, name: str, options: SlackBotOptions) -> Self:
        """Build from a configuration."""
        return cls(name, options)

    def __repr__(self) -> str:
        """Without the token, which is a secret."""
        return f"SlackBot({self.name!r}, {self._channel!r})"

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        """Post the notice, reply with it, or change the message `ref` into it. Raises TryLater or Undeliverable.

        A reply's receipt names the incident's own message. Where there is no message to reply to (any more), the notice
        becomes one. Undeliverable with MESSAGE_GONE: the message that was to be changed cannot be.
        """
        if mode is Mode.POST or ref is None:
            return self._post(notice)
        channel, _, ts = ref.partition(":")
        if mode is Mode.UPDATE:
            message = compose(notice, bot=True, buttons=self._buttons).to_dict()
            self._called(lambda: self._api.chat_update(**_changing(message), channel=channel, ts=ts))
            return Receipt(f"changed {ref}", ref)
        # Buttons stay at the incident's own message, the one that is kept up to date.
        message = compose(notice, bot=True).to_dict()
        broadcast = notice.kind in _FOR_ALL or (notice.kind is NoticeKind.GREW and notice.severity is Severity.CRITICAL)
        try:
            answer = self._api.chat_postMessage(**message, channel=channel, thread_ts=ts, reply_broadcast=broadcast)
        except SlackApiError as error:
            if thread_is_gone(error):
                return self._post(notice)
            raise failure_of_call(error, self._host) from None
        return Receipt(f"replied {channel}:{answer.get('ts')}", ref)

    def find(self, key: str, since: datetime, ref: str | None = None) -> Receipt | None:
        """See `alerts.channel.Searchable`. Reads the channel's history, or a thread's, by the messages' metadata."""
        oldest = f"{(since - CLOCKS_APART).timestamp():.6f}"
        if ref is not None:
            channel, _, parent = ref.partition(":")
            try:
                ts = self._found(key, lambda cursor: self._api.conversations_replies(
                    channel=channel, ts=parent, oldest=oldest, limit=PAGE, cursor=cursor, include_all_metadata=True
                ))  # fmt: skip
            except SlackApiError as error:
                if not thread_is_gone(error):
                    raise self._cannot_say(error) from None
            else:
                return None if ts is None else Receipt(f"found {channel}:{ts}", ref)
        try:
            ts = self._found(key, lambda cursor: self._api.conversations_history(
                channel=self._channel, oldest=oldest, limit=PAGE, cursor=cursor, include_all_metadata=True
            ))  # fmt: skip
        except SlackApiError as error:
            raise self._cannot_say(error) from None
        found = f"{self._channel}:{ts}"
        return None if ts is None else Receipt(f"found {found}", found)

    def tell(self, response_url: str, text: str) -> None:
        """Tell the person who pressed a button, and nobody else, by the address that Slack sent along.

        Raises TryLater, or Undeliverable where the address is no longer good (it is for half an hour) or no Slack's.
        """
        if not self._is_slacks(response_url):
            raise Undeliverable(Reason.REJECTED, "the address to answer to is not Slack's")
        address = Address(response_url)
        answer = Wire(address, self._timeout, self._proxy).post(
            {"response_type": "ephemeral", "replace_original": False, "text": text}
        )
        # Not its words: they may repeat the address, with which anybody could write there.
        failure = failure_in(replace(answer, body=""), address.host)
        if isinstance(failure, Undeliverable):
            raise Undeliverable(Reason.REJECTED, f"{address.host} answered {answer.status} to our answer")
        if failure is not None:
            raise failure

    def _is_slacks(self, response_url: str) -> bool:
        """Whether it may be spoken to: in the clear only where all of Slack is spoken to in the clear, as in a test."""
        try:
            parts = urlsplit(response_url)
        except ValueError:
            return False
        if parts.netloc == self._host:
            return parts.scheme in ("https", self._place.scheme)
        return parts.scheme == "https" and parts.netloc in _RESPONSE_HOSTS

    def _post(self, notice: Notice) -> Receipt:
        message = compose(notice, bot=True, buttons=self._buttons).to_dict()
        answer = self._called(lambda: self._api.chat_postMessage(**message, channel=self._channel))
        ref = f"{answer.get('channel') or self._channel}:{answer.get('ts')}"
        return Receipt(f"posted {ref}", ref)

    def _called(self, call: Callable[[], SlackResponse]) -> SlackResponse:
        try:
            return call()
        except SlackApiError as error:
            # No "from": its traceback would quote all of the answer, and who knows what stands in that.
            raise failure_of_call(error, self._host) from None

    def _found(self, key: str, page: Callable[[str | None], SlackResponse]) -> str | None:
        cursor: str | None = None
        for _ in range(FIND_PAGES):
            answer = page(cursor)
            for message in _messages(answer):
                if _carries(message, key):
                    return str(message.get("ts"))
            cursor = _next(answer)
            if cursor is None:
                return None
        words = f"the channel has more than {FIND_PAGES * PAGE} messages since then, too many to look through"
        raise TryLater(Reason.UNEXPECTED, words, after=None, ambiguous=True)

    def _cannot_say(self, error: SlackApiError) -> DeliveryError:
        failure = failure_of_call(error, self._host)
        # That it may not be read says nothing about whether it can be written to.
        return Undeliverable(failure.reason, failure.message) if isinstance(failure, Undeliverable) else failure


def _changing(message: Mapping[str, Any]) -> dict[str, Any]:
    """chat.update has no word for previews; those of the message stay as they were."""
    return {name: value for name, value in message.items() if not name.startswith("unfurl_")}


def _messages(answer: SlackResponse) -> Iterator[Mapping[str, Any]]:
    messages = answer.get("messages")
    yield from (one for one in messages if isinstance(one, dict)) if isinstance(messages, list) else ()


def _carries(message: Mapping[str, Any], key: str) -> bool:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return False
    payload = metadata.get("event_payload")
    return isinstance(payload, dict) and payload.get("key") == key


def _next(answer: SlackResponse) -> str | None:
    metadata = answer.get("response_metadata")
    cursor = metadata.get("next_cursor") if isinstance(metadata, dict) else None
    return cursor if isinstance(cursor, str) and cursor else None
