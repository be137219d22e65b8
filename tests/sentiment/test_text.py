import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.text import fold, is_own, normalise


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("  two\n\twords ", "two words"),
        ("see https://t.co/abc?x=1 and www.example.com/a", "see http and http"),
        ("@someone thanks, @a_b2!", "@user thanks, @user!"),
        ("@ana@mastodon.social and @bob.bsky.social", "@user and @user"),
        ("write to help@example.com", "write to help@example.com"),
        ("Tom &amp; Ana &lt;3 &amp;amp;lt;3", "Tom & Ana heart heart"),
        ("call 5551234567 at 10:30", "call 0 at 10:30"),
        ("noooooooo!!!!!!!", "noo!!"),
        ("1000 y 20000", "1000 y 0"),
        ("jajajaja KKKK hahaha lol XDDD rsrs", "haha haha haha haha haha haha"),
        ("Hahn and Jajinci", "Hahn and Jajinci"),
        ("Mi hija, la HIJA, Haji, que haja", "Mi hija, la HIJA, Haji, que haja"),
        ("the KKK, World War III, AAA!", "the KKK, World War III, AAA!"),
        (":) :))) :-( <3 </3", "smiling smiling frowning heart broken heart"),
        (":)😂", "smiling tears joy"),
        ("#WorstFlightEver", "#Worst Flight Ever"),
        ("love it 😂😂😂", "love it tears joy"),
        ("👍🏽 ❤️", "thumbs up heart"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "Full width"),
        ("a\x00b \u202ereversed\u202c zero\u200bwidth", "ab reversed zerowidth"),
        ("half \ud83d pair", "half pair"),
        ("¡Qué mañana!", "¡Qué mañana!"),
        ("", ""),
        ("\u200b \x00", ""),
    ],
)
def test_what_the_model_reads(raw: str, read: str) -> None:
    assert normalise(raw) == read


def test_pictures_can_stay() -> None:
    assert normalise("yes 😂 @x", emoji=False) == "yes 😂 @user"


@pytest.mark.parametrize(
    ("brand", "read"),
    [
        ("Virgin America", "@VirginAmerica and @user"),
        ("virginamerica", "@VirginAmerica and @user"),
        ("Virgin", "@VirginAmerica and @user"),
        ("JetBlue", "@user and @JetBlue"),
        ("Delta", "@user and @user"),
        (None, "@user and @user"),
    ],
)
def test_the_brands_own_handle_stays(brand: str | None, read: str) -> None:
    assert normalise("@VirginAmerica and @JetBlue", brand) == read


def test_own_handles() -> None:
    assert is_own(fold("SpotifyCares"), fold("Spotify"))
    assert is_own(fold("nike"), fold("Nike Inc."))
    assert is_own(fold("HP"), fold("hp"))
    assert not is_own(fold("hpotter"), fold("HP"))
    assert not is_own("", "delta")
    assert not is_own("delta", "")


# What social text is made of, glued together at random.
GLUED = """
&amp; & amp; lt; #38; @ @user @Brand # #BigDay http https://a.b/c www.x 😂 👍🏽 🇪🇸 aaaa 1234 5 . ! ñ É ﬁ ＠ ＆ no Me ½
"""
PIECES = st.sampled_from([*GLUED.split(), " ", "\n", "\u200b", "\x00", "\u202e"])


@given(st.lists(PIECES, max_size=14).map("".join))
def test_twice_is_once_on_social_text(text: str) -> None:
    once = normalise(text, "Brand")
    assert normalise(once, "Brand") == once


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    read = normalise(text)
    read.encode()  # nothing that a tokenizer could not take
    assert read == " ".join(read.split())
    assert "\x00" not in read


def test_a_deep_entity_ends() -> None:
    assert normalise("&" + "amp;" * 3000) == "&"


def test_a_pile_of_marks_costs_no_more_than_its_letter() -> None:
    assert normalise("very ba" + "\u0301\u0323" * 40_000 + "d").startswith("very b")
    assert len(normalise("a" + "\u0301\u0323" * 40_000)) <= 31
