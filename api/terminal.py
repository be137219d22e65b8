"""What is written to a terminal, with strangers' text in it: nothing in it acts on the terminal or forges its lines."""

import json
import re
from typing import Any

from alerts.text import BIDI_CONTROLS, visible

# JSON itself escapes no others than those below a space. Half a surrogate pair would be impossible as UTF-8.
_ACTING = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff" + "".join(sorted(BIDI_CONTROLS)) + "]")


def visible_lines(text: str) -> str:
    """The text line by line, with what would be invisible or act on a terminal written as an escape."""
    return "\n".join(visible(line) for line in text.split("\n"))


def json_text(data: Any, **options: Any) -> str:
    """JSON that a person can read: letters of all scripts as they are, what acts on a terminal as an escape. The same
    data as ``json.dumps`` writes, with the same options."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(data, ensure_ascii=False, **options))
