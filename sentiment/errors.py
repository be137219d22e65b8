"""What can go wrong, named by what the caller must do. The messages are for people: one line, with the way out."""


class SentimentError(Exception):
    """Base of this package's errors; its text can be shown as it is."""


class ModelNotFound(SentimentError):
    """No model where one was looked for: fix the path, the hub id or the network, then try again."""

    def __init__(self, asked: str, why: str) -> None:
        super().__init__(
            f"model {asked!r} not found: {why}. Set ESCUCHA_MODEL to a model folder or a Hugging Face id, "
            "or leave it empty for the bundled model."
        )


class ModelInvalid(SentimentError):
    """There is a model, but it cannot be used here: choose another one, or another revision."""

    def __init__(self, asked: str, why: str) -> None:
        super().__init__(f"model {asked!r} cannot be used: {why}")


class BadRow(SentimentError):
    """An input row breaks the contract of `escucha score`: correct that line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
