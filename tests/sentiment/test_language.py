import pytest

from sentiment.language import identify


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("The flight was late again and nobody at the desk could help us", "en"),
        ("El vuelo salió tarde otra vez y nadie en el mostrador nos ayudó", "es"),
        ("@Iberia https://t.co/x otra vez el vuelo con retraso y sin noticias 😡", "es"),
        ("Le vol était encore en retard et personne ne pouvait nous aider", "fr"),
    ],
)
def test_plain_cases(text: str, lang: str) -> None:
    assert identify(text) == lang


@pytest.mark.parametrize("text", ["", "ok", "😂😂😂", "@user http://x.y", "12345 67890 !!", "\x00\u202e"])
def test_too_short_to_say(text: str) -> None:
    assert identify(text) == "und"


def test_the_length_does_not_matter() -> None:
    assert identify("This is a perfectly ordinary English sentence. " * 50_000) == "en"
