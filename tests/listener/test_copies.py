"""What counts as the same words: syndicated news and passed-on tweets do, two people who thank one airline do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.copies import BANDS, LONG, SPEAKING, alike, bands, wording

NEWS = (
    "Iberia cancela 40 vuelos por la huelga de controladores en Barajas\n"
    "La aerolínea ofrece cambios gratuitos a los pasajeros afectados durante el fin de semana, según ha informado "
    "en un comunicado."
)
TWEET = (
    "Just landed in Madrid and @Iberia lost all three of our bags, nobody at the desk knows anything and the phone "
    "line has been busy for two hours. Never again."
)


def same(one: str, other: str) -> bool:
    first, second = wording(one), wording(other)
    if first is None or second is None:
        return False
    found = alike(first, second)
    assert found == alike(second, first), "whether two texts are alike does not depend on which comes first"
    return found


def meet(one: str, other: str) -> bool:
    first, second = wording(one), wording(other)
    assert first is not None
    assert second is not None
    return first.digest == second.digest or bool(set(bands(first)) & set(bands(second)))


@pytest.mark.parametrize(
    "copy",
    [
        NEWS.upper(),
        NEWS.replace("Barajas\n", "Barajas - El País\n"),
        NEWS.replace("Barajas\n", "Barajas | elDiario.es\n"),
        NEWS.replace("í", "i").replace(",", ""),
        NEWS + " https://t.co/AbC123",
        NEWS + " | 20minutos.es",
        NEWS.replace("por la huelga", "por huelga"),
        NEWS.replace("en un comunicado", "este viernes en un comunicado"),
        "RT @EFEnoticias: " + NEWS,
        "RT @EFEnoticias: " + NEWS[:160] + "…",
    ],
)
def test_syndicated_news_is_one_text(copy: str) -> None:
    assert same(NEWS, copy)
    assert meet(NEWS, copy)


@pytest.mark.parametrize(
    "copy",
    [
        "RT @ana: " + TWEET,
        "RT @bob: RT @ana: " + TWEET,
        TWEET + " pic.twitter.com/abc",
        "RT @ana: " + TWEET[:130] + "…",
    ],
)
def test_a_tweet_passed_on_by_hand_is_one_text(copy: str) -> None:
    assert same(TWEET, copy)
    assert meet(TWEET, copy)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Numbers make another flight, a negation another opinion.
        (NEWS, NEWS.replace("40", "41")),
        (NEWS, NEWS.replace("ofrece", "no ofrece")),
        (TWEET, TWEET.replace("Never again", "Again")),
        (
            "Flight IB3214 from Madrid to Paris Orly is delayed by 30 minutes, please watch the screens for your gate",
            "Flight IB3216 from Madrid to Paris Orly is delayed by 30 minutes, please watch the screens for your gate",
        ),
        # In a short text one word is the whole difference.
        ("I love flying with Iberia to Madrid every summer", "I hate flying with Iberia to Madrid every summer"),
        ("Iberia is a good airline for long flights", "Iberia is not a good airline for long flights"),
        # The same subject in other words.
        (NEWS, "La huelga de controladores deja en tierra 40 vuelos de Iberia este fin de semana en el aeropuerto"),
        # Emoji say something.
        (
            "Flew with Iberia to Madrid today, what a day 😍😍",
            "Flew with Iberia to Madrid today, what a day 😡😡",
        ),
        ("", ""),
    ],
)  # fmt: skip
def test_what_says_something_else_is_another_text(one: str, other: str) -> None:
    assert not same(one, other)


@pytest.mark.parametrize(
    "short",
    [
        "gracias Iberia", "Thank you @Iberia!", "😡😡😡😡😡😡😡😡😡", "RT @ana: gracias Iberia", "イベリア最高", "...",
        "\n\n", "https://t.co/a",
    ],
)  # fmt: skip
def test_short_texts_are_never_known_as_copies(short: str) -> None:
    assert wording(short) is None


def test_identical_words_are_a_copy_from_eight_words_on() -> None:
    assert same("Gracias Iberia por perder mi maleta otra vez", "gracias @iberia por perder mi maleta otra vez!!")
    assert not same("Gracias Iberia por perder mi maleta otra", "Gracias Iberia por perder mi maleta otra")


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    said = (
        "イベリア航空のマドリード行きの便が三時間遅れて空港で待っています。本当に疲れました。誰も説明してくれません。"
    )
    assert same(said, "RT @tanaka: " + said.replace("。", " "))
    assert same(said, said.replace("本当に", "本当にとても"))
    assert not same(
        said,
        "イベリア航空のバルセロナ発の便に乗りました。座席は広くて食事も美味しかったです。また利用したいと思います。",
    )
    chinese = "伊比利亚航空取消了四十个航班，数千名乘客滞留在马德里机场，航空公司表示将提供免费改签服务。"
    assert same(chinese, chinese.replace("，", " "))


def test_the_name_of_the_source_goes_and_the_words_of_a_person_stay() -> None:
    found = wording("Iberia pierde las maletas de todo un avión en Barajas - La Vanguardia")
    assert found is not None
    assert found.tokens[-1] == "barajas"
    opinion = wording("Iberia lost the bags of the whole plane in Madrid - never again")
    assert opinion is not None
    assert opinion.tokens[-2:] == ("never", "again")


def test_only_long_texts_stand_in_bands() -> None:
    long = wording("Iberia lost my bag on the way to Madrid and the desk was closed so nobody")
    short = wording("Iberia lost my bag on the way to Madrid and the desk was closed so")
    assert short is not None
    assert long is not None
    assert (short.words, long.words) == (LONG - 1, LONG)
    assert (bands(short), len(set(bands(long)))) == ((), BANDS)


def test_a_template_with_other_numbers_meets_nowhere() -> None:
    def notice(number: int) -> set[int]:
        said = wording(
            f"Iberia flight {number} to London is now boarding at the gate shown on the screens, have your passport"
        )
        assert said is not None
        return set(bands(said))

    assert not notice(3214) & notice(3216)


def test_bands_are_the_same_in_every_process() -> None:
    """They are stored: a change here is a change of what the database means (and of its next two weeks)."""
    said = wording(NEWS)
    assert said is not None
    assert said.digest == -7968325394303852505
    assert bands(said)[0] == 4037159389265742849


WORDS = ("iberia", "lost", "my", "bag", "no", "40", "again", "😡", "madrid", "the", "was", "航", "空")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)


@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_and_reflexive_whatever_the_texts(one: str, other: str) -> None:
    same(one, other)
    if said := wording(one):
        assert said.words >= SPEAKING
        assert same(one, one)


@given(st.text(max_size=400))
def test_any_text_has_a_wording_or_none(text: str) -> None:
    said = wording(text)
    if said is not None:
        assert -(2**63) <= said.digest < 2**63
        assert all(-(2**63) <= band < 2**63 for band in bands(said))
