"""A Slack message as plain text, as near as text comes to what people see: for reports, tests and terminals."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_LINK = re.compile(r"<([^|>]+)\|([^>]*)>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def as_text(message: Mapping[str, Any]) -> str:
    """The blocks of a message (as `Message.to_dict` gives it, or Slack's own JSON) one under the other.

    Links show their address, buttons and choices their labels in brackets.
    """
    return "\n".join(line for block in message.get("blocks", ()) for line in _lines(block)) + "\n"


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "header":
            title = _read(block["text"])
            yield title
            yield "=" * len(title)
        case "actions":
            yield "  ".join(_control(element) for element in block["elements"])
        case "context":
            yield "  " + "  ".join(_read(element) for element in block["elements"])
        case "divider":
            yield "-" * 40
        case _:
            if "text" in block:
                yield _read(block["text"])
            for item in block.get("fields", ()):
                name, _, value = _read(item).partition("\n")
                yield f"  {name}: {value}" if value else f"  {name}"


def _control(element: Mapping[str, Any]) -> str:
    if element["type"] == "button":
        return f"[{_read(element['text'])}]"
    choices = " | ".join(_read(option["text"]) for option in element.get("options", ()))
    return f"[{_read(element['placeholder'])}: {choices}]"


def _read(item: Mapping[str, Any]) -> str:
    text = str(item["text"])
    if item["type"] == "mrkdwn":
        # Ours are the only stars that are left: a stranger's were swapped for lookalikes.
        text = _LINK.sub(r"\2 (\1)", text.replace("*", ""))
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text
