"""Why something was done or not done: every decision carries one of these names, which is stored and shown."""

from enum import StrEnum


class Reason(StrEnum):
    """A name to store and filter by; `sentence` is what a person reads. Names are stored: never rename one."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> "Reason":
        """A member is its stored name; the sentence rides along."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    # What a rule made of a mention.
    NOT_SCORED_FOR_BRAND = "not_scored_for_brand", "The mention has no score towards this brand yet."
    RULE_OFF = "rule_off", "The rule is switched off for this brand, as it is for competitors by default."
    NOT_A_DETRACTOR = "not_a_detractor", "The inferred stance is not one that this rule watches for."
    BELOW_PROBABILITY = "below_probability", "The model is less sure than the rule's least probability."
    BELOW_REACH = "below_reach", "The mention reaches fewer people than the rule asks for."
    TOO_OLD = "too_old", "The mention was already old when it was collected, so a notice would come too late."
    IS_DETRACTOR = "is_detractor", "The inferred stance, its probability and the reach meet the rule."
    OPENED_INCIDENT = "opened_incident", "The mention met the rule and opened an incident."
    JOINED_INCIDENT = "joined_incident", "The mention met the rule and joined an incident that was already open."

    # What kept a mention from the rules.
    COPY = (
        "copy",
        "The mention repeats one that was judged before: its reach is added to that one's incident, if it has one.",
    )
    NOT_RELEVANT = "not_relevant", "The mention only shares the brand's name, so it is hidden; see why it is hidden."
    SHOWN_LATER = (
        "shown_later",
        "The mention was hidden at first and is shown since the brand's words changed; nobody is told so late.",
    )

    # Whether people are told.
    INCIDENT_OPENED = "incident_opened", "A new incident: nobody has been told about it yet."
    INCIDENT_GREW = "incident_grew", "The incident has reached the next size at which people are told again."
    ALREADY_NOTIFIED = "already_notified", "People know of this incident, and it has not grown to its next size."
    NO_CHANNEL = "no_channel", "No channel is set up for this brand, so there is nobody to tell."
    CHANNEL_DISABLED = "channel_disabled", "Every channel for this brand is switched off."

    # What became of a delivery.
    SENT = "sent", "The channel took the message."
    SENT_AMBIGUOUS = (
        "sent_ambiguous",
        "The channel took the message, but an earlier try may have arrived too: it can be there twice.",
    )
    RATE_LIMITED = "rate_limited", "The channel asked us to slow down; the message waits as long as it said."
    SERVER_ERROR = "server_error", "The channel's server failed; it may have taken the message. We try again."
    TIMED_OUT = "timed_out", "The channel did not answer in time; it may have taken the message. We try again."
    CONNECTION_FAILED = "connection_failed", "The channel could not be reached; nothing was sent. We try again."
    CONNECTION_LOST = (
        "connection_lost",
        "The connection broke before an answer came; the message may have arrived. We try again.",
    )
    UNEXPECTED = "unexpected", "Sending failed in a way nobody foresaw; the message may have arrived. We try again."
    LEASE_EXPIRED = (
        "lease_expired",
        "Whoever was sending stopped before saying how it went; the message may have arrived. We try again.",
    )
    REJECTED = "rejected", "The channel refuses this message for good; trying again would not help."
    CHANNEL_REFUSED = (
        "channel_refused",
        "The channel refuses every message from us; it is switched off until a person has looked at it.",
    )
    ATTEMPTS_EXHAUSTED = "attempts_exhausted", "Every try failed; the message is kept and can be sent again by hand."
