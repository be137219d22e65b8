"""What every secret that travels in a header has to be."""

from pydantic import SecretStr


def one_word(secret: SecretStr, what: str) -> SecretStr:
    """The same without the space around it. ``what``: what it is and where to copy it from, for the message.

    Raises ValueError, without a word of the secret, where no header can carry it: a client library would quote the
    whole of it in its complaint.
    """
    plain = secret.get_secret_value().strip()
    if not plain or not plain.isascii() or not plain.isprintable() or " " in plain:
        raise ValueError(f"it must be one word of plain characters, without spaces or line breaks: {what}")
    return SecretStr(plain)
