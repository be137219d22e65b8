"""Files that commands write: there whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from api.cli.output import Failure


@contextmanager
def writing(output: Path) -> Iterator[TextIO]:
    """Where the text is written: beside the output, which takes its place when the block ends well.

    A pipe or a device is written as it goes. Raises Failure with what is in the way.
    """
    if output.is_dir():
        raise Failure(f"{output} is a folder; name a file in it")
    if not output.parent.is_dir():
        raise Failure(f"there is no folder {output.parent} for the output; make it first")
    try:
        # A pipe or a device is meant to be written to, not to be replaced by a file; so is what /dev/stdout leads to.
        straight = (output.exists() and not output.is_file()) or output.is_relative_to("/dev")
        # Through a link to what it leads to, so that the link stays one.
        whole = output.resolve()
        mode = whole.stat().st_mode & 0o777 if whole.is_file() else 0o666 & ~_umask()
        if straight:
            with output.open("w", encoding="utf-8") as out:
                yield out
            return
        descriptor, name = tempfile.mkstemp(dir=whole.parent, prefix=f".{whole.name}.")
    except OSError as error:
        raise Failure(f"{output} cannot be written: {error.strerror or error}") from error
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
        partial.chmod(mode)
        partial.replace(whole)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise Failure(f"{output} was not written: {error.strerror or error}") from error
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
