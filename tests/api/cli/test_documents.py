"""The documents name no command that is not there."""

import re
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_command

from api.cli.app import app as cli

DOCUMENTS = Path(__file__).parents[3] / "docs"


def test_every_command_that_the_documents_name_is_there() -> None:
    commands = get_command(cli)
    assert isinstance(commands, TyperGroup)
    written = re.compile(r"(?:`|^ *(?:\$ )?)escucha ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", re.MULTILINE)
    named = {
        (path.name, found)
        for path in DOCUMENTS.glob("*.md")
        for found in written.findall(path.read_text(encoding="utf-8"))
    }
    assert ("api.md", "keys make") in named
    for where, said in sorted(named):
        first, _, second = said.partition(" ")
        command = commands.commands.get(first)
        assert command is not None, f"{where}: escucha {said}"
        assert not second or not isinstance(command, TyperGroup) or second in command.commands, f"{where}: {said}"
