"""Files of mentions: JSON lines and CSV, in pages that can be gone on from at any byte."""

from listener.sources.file.options import FileOptions
from listener.sources.file.source import FileSource

__all__ = ["FileOptions", "FileSource"]
