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
    BRAND_OFF = "brand_off", "The brand is not listened for any more."
    NOT_A_DETRACTOR = "not_a_detractor", "The inferred stance is not one that this rule watches for."
    STANCE_NOT_WATCHED = "stance_not_watched", "The inferred stance is not among those that this rule is set to watch."
    BELOW_PROBABILITY = "below_probability", "The model is less sure than the rule's least probability."
    BELOW_REACH = "below_reach", "The mention reaches fewer people than the rule asks for."
    TOO_OLD = "too_old", "The mention was already old when it was collected, so a notice would come too late."
    IS_DETRACTOR = "is_detractor", "The inferred stance, its probability and the reach meet the rule."
    OPENED_INCIDENT = "opened_incident", "The mention met the rule and opened an incident."
    JOINED_INCIDENT = "joined_incident", "The mention met the rule and joined an incident that was already open."

    NOT_IN_WHEN = "not_in_when", "The mention does not meet the words in the rule's own filter (`when`)."
    FAR_REACHING = "far_reaching", "The author or the mention reaches at least as many people as the rule asks for."
    GROWING_FAST = "growing_fast", "The mention's reactions grow faster than the rule lets pass."
    NOT_GROWING = "not_growing", "The mention neither reaches enough people nor grows fast enough."
    CRISIS_WORDS = "crisis_words", "The mention has words of the rule's crisis lists beside a negative inferred stance."
    NO_CRISIS_WORDS = "no_crisis_words", "None of the words in the rule's crisis lists stands in the mention."
    NOT_NEGATIVE = "not_negative", "Crisis words are there, but the mention does not speak against the brand."
    IS_PROMOTER = "is_promoter", "The inferred stance is a promoter's, and sure enough."
    NOT_A_PROMOTER = "not_a_promoter", "The inferred stance is not a promoter's."
    ASKS_FOR_ANSWER = "asks_for_answer", "A complaint or question has had no answer for as long as the rule allows."
    ANSWERED = "answered", "The brand has answered."
    NO_ANSWER_WANTED = "no_answer_wanted", "The mention is neither a complaint nor a question."

    # What a rule made of a window.
    WINDOW_QUIET = "window_quiet", "What the window holds is within what is usual."
    WINDOW_FIRES = "window_fires", "What the window holds is beyond what is usual; the numbers are beside it."
    WINDOW_STILL_FIRES = "window_still_fires", "The incident goes on: the window has not come back to what is usual."
    WINDOW_ENDED = "window_ended", "The window is back within what is usual, so the incident is over."
    TOO_FEW = "too_few", "The window holds fewer mentions than the rule's floor, however unusual they are."
    NOT_ENOUGH_HISTORY = (
        "not_enough_history",
        "The brand has not been listened to for long enough to say what is usual.",
    )
    NOT_COVERED = "not_covered", "A source was not read for a part of the window, so its counts say too little."
    WINDOW_MISSED = "window_missed", "Nobody was there to evaluate the window in time; telling of it now is too late."
    OUTSIDE_HOURS = "outside_hours", "Outside the working hours; the clock of the rule stands still."
    NO_ACCOUNTS = "no_accounts", "The brand names no accounts that it answers from, so answers cannot be seen."
    NO_OWN_POSTS = (
        "no_own_posts",
        "No post of the brand's accounts has been stored of late, so its answers could not be seen if there were any.",
    )
    TOO_OLD_TO_ANSWER = "too_old_to_answer", "Nobody answered before it was too old to be answered."
    UNREAD_TOO_LONG = "unread_too_long", "The sources were not read for so long that nobody knows whether it goes on."
    NOT_LATE = "not_late", "What waits for an answer has not waited for as long as the rule allows."
    SOURCE_STOPPED = "source_stopped", "The source has stopped until a person has looked at it."
    SOURCE_FAILING = "source_failing", "Reading the source has failed for longer than the rule lets pass."
    SOURCE_SILENT = "source_silent", "Nothing new has come from the source for far longer than is usual for it."
    SOURCE_WELL = "source_well", "The source is read, and not silent for unusually long."

    # How an incident of a mention rule is over by itself.
    QUIET = "quiet", "No mention has come to the incident for as long as its rule's quiet_after says, so it is over."

    # What kept a mention from the rules.
    COPY = (
        "copy",
        "The mention repeats one that was judged before: its reach is added to that one's incident, if it has one.",
    )
    OWN_POST = "own_post", "One of the brand's own accounts wrote it, so no rule looks at it."
    NOT_RELEVANT = "not_relevant", "The mention only shares the brand's name, so it is hidden; see why it is hidden."
    SHOWN_LATER = (
        "shown_later",
        "The mention was hidden at first and is shown since the brand's words changed; nobody is told so late.",
    )

    # Whether people are told.
    INCIDENT_OPENED = "incident_opened", "A new incident: this is the first message about it."
    INCIDENT_GREW = "incident_grew", "The incident has reached the next size at which people are told again."
    SEVERITY_ROSE = "severity_rose", "The incident matters more than when people were last told of it."
    TOO_SMALL = "too_small", "The incident has neither the size nor the reach from which the rule has people told."
    ALREADY_NOTIFIED = "already_notified", "People know of this incident, and it has not grown to its next size."
    STATE_CHANGED = "state_changed", "Somebody acted on the incident, so the message about it is brought up to date."
    INCIDENT_CHANGED = "incident_changed", "The message about the incident is brought up to date, without a new one."
    INCIDENT_RESOLVED = "incident_resolved", "The incident is over; people who were told of it are told that."
    INCIDENT_REOPENED = "incident_reopened", "The incident was resolved and has come back."
    STILL_OPEN = "still_open", "The incident is still open after the repeat interval, so people are reminded."
    NOT_ACKNOWLEDGED = "not_acknowledged", "Nobody acknowledged the incident in time, so the next ones are told."
    CHANNEL_SWITCHED_OFF = "channel_switched_off", "Another channel was switched off, and a person must know."
    DIGEST_DUE = "digest_due", "The time of a digest has come."
    ASKED_FOR = "asked_for", "A person asked for it."
    WAITING = "waiting", "A new incident waits a little, so that the first message tells more than one mention."
    INTERVAL = "interval", "People were told of the incident a short while ago; the next message waits its interval."
    NOT_YET_TOLD = "not_yet_told", "The incident ended before anybody was told of it, so there is nothing to say."
    ENDED_QUIETLY = "ended_quietly", "The incident is over because nothing more came; nobody needs a message for that."
    ENDED_MEANWHILE = (
        "ended_meanwhile",
        "The incident began or grew, and ended, while a silence, quiet hours or a switched-off channel held it back.",
    )
    IS_RESOLVED = "is_resolved", "The incident is resolved."
    IS_SNOOZED = "is_snoozed", "Somebody snoozed the incident; it is told again when that is over."
    IS_ACKNOWLEDGED = "is_acknowledged", "Somebody is at work on the incident, so nobody is reminded."
    INHIBITED = "inhibited", "A greater incident of the same brand is open and speaks for this one."
    TOLD_ELSEWHERE = (
        "told_elsewhere",
        "The channel knows all its mentions from a message about another incident at least as severe.",
    )
    SILENCED = "silenced", "A silence is in force for incidents like this; it is told when the silence ends."
    QUIET_HOURS = "quiet_hours", "The team's quiet hours are in force; it is told when they end."
    NO_ROUTE = "no_route", "No route leads from an incident like this to any channel."
    NO_CHANNEL = "no_channel", "No channel is set up for this brand, so there is nobody to tell."
    CHANNEL_DISABLED = "channel_disabled", "The channel is switched off until a person has looked at it."

    # What became of a delivery.
    SENT = "sent", "The channel took the message."
    SENT_AMBIGUOUS = (
        "sent_ambiguous",
        "The channel took the message, but an earlier try may have arrived too: it can be there twice.",
    )
    SENT_FOUND = (
        "sent_found",
        "An earlier try looked lost, but the message was found in the channel; it was not sent again.",
    )
    SUPERSEDED = "superseded", "A newer message about the same incident was ready before this one went out."
    TOLD_TOGETHER = (
        "told_together",
        "An earlier message about the same incident had not gone out yet; that one tells of this as well.",
    )
    NOTHING_TO_UPDATE = "nothing_to_update", "There is no message of ours there that could be brought up to date."
    SUMMARISED = "summarised", "The channel's budget for the hour is used up; a summary tells of this one."
    OVER_BUDGET = "over_budget", "The channel's budget for the hour is used up; the message waits for a free place."
    GIVEN_UP = "given_up", "A person decided that this message is not to be sent any more."
    RATE_LIMITED = "rate_limited", "The channel asked us to slow down; the message waits as long as it said."
    PUT_OFF = "put_off", "The channel could not take the message just then, so nothing was sent. We try again."
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
    MESSAGE_GONE = (
        "message_gone",
        "The message that was to be changed is no longer there or can no longer be changed; news will be a new one.",
    )
    ATTEMPTS_EXHAUSTED = "attempts_exhausted", "Every try failed; the message is kept and can be sent again by hand."
