"""The judgement: scored mentions in, decisions and messages out.

Nothing in here knows a database, reads the clock or the environment, or imports another of our packages: whoever calls
passes `now` and the rows. A mention goes through `rules`, `grouping` and `pipeline` (`evaluation` is all three); what
is decided becomes a `notice`, a channel from `channels` sends it, and `retrying` says what to do when that fails.
"""
