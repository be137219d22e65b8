"""The command's frame: subcommands, and what a person sees when something is wrong."""

import sys

from rich.console import Console
from rich.text import Text

from alerts.channel import ChannelSetupError
from api.cli import (
    alerts,
    backfill,
    brands,
    channels,
    check,
    collect,
    deliveries,
    demo,
    digest,
    evaluate,
    explain,
    imports,
    keys,
    push,
    query,
    relevance,
    routes,
    run,
    score,
    silences,
    sources,
    users,
)
from api.cli.group import app
from api.cli.output import Failure, WrongUse
from api.terminal import visible_lines
from listener.config import ConfigError
from listener.source import SourceError
from listener.store.engine import StoreError
from sentiment.errors import ModelInvalid, ModelNotFound, SentimentError

__all__ = ["app", "main"]

# In the order of `escucha --help`: what a newcomer needs first.
MODULES = (
    demo, run, imports, collect, sources, backfill, score, explain, query, brands, relevance, evaluate, check,
    alerts,
    routes, silences, digest, channels, deliveries, push, users,
    keys,
)  # fmt: skip
for module in MODULES:
    module.register(app)

EXPECTED = (Failure, ConfigError, ChannelSetupError, SourceError, StoreError, SentimentError)
"""Errors whose message is all a person needs; anything else is a bug and shows its traceback."""

WRONG = (WrongUse, ConfigError, ChannelSetupError, StoreError, ModelNotFound, ModelInvalid)
"""Those of them that a person mends in the command, in the settings or in escucha.yml."""


def main() -> None:
    """Run the command. Exit status: 0 done, 1 not (all) done, 2 wrong use or settings, 130 interrupted."""
    try:
        app()
    except EXPECTED as error:
        console = Console(stderr=True)
        # Control characters first: what a server said may be among the words.
        for line in visible_lines(str(error).strip("\n")).split("\n"):
            console.print(Text.assemble(("escucha:", "bold red"), f" {line}"), highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, WRONG) else 1)
