from datetime import timedelta

import pytest

from alerts.reasons import Reason
from alerts.rules.crisis import TOPICS, CrisisSettings, hits, judge, shipped, terms_of, unmeant
from alerts.severity import Severity
from alerts.wordlists import term, word_list


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("topic", TOPICS)
def test_every_list_is_long_without_repeats_and_reads(lang, topic):
    terms = shipped()[lang][topic]
    assert len(terms) >= 40
    assert len({term(one).words + term(one).open for one in terms}) == len(terms)


@pytest.mark.parametrize(
    ("text", "lang", "topics"),
    [
        ("The battery exploded in my hand", "en", ["safety"]),
        ("Aeroluz flight: smoke in the cabin, EMERGENCY LANDING", "en", ["safety", "safety"]),
        ("see you in court, my lawyers will call", "en", ["legal", "legal"]),
        ("Another #DataBreach at Aeroluz", "en", ["data"]),
        ("They were racist to my wife", "en", ["discrimination"]),
        ("Se incendió el motor y acabé en urgencias", "es", ["safety", "safety", "safety"]),
        ("os voy a DEMANDAR, nos vemos en los tribunales", "es", ["legal"]),
        ("Habéis sufrido una filtración de datos", "es", ["data"]),
        ("no me dejaron subir por ser negra, racistas", "es", ["discrimination", "discrimination"]),
        ("Cancelled again, hell of an airline, my phone died waiting", "en", []),
        ("Sin heridos, por suerte, y no injuries", None, []),
        ("Me quedé sin mis datos del móvil", "es", []),
        # Who took Spanish for Portuguese should not miss a fire.
        ("El avión está en llamas", "pt", ["safety"]),
        ("El avión está en llamas", None, ["safety"]),
        ("El avión está en llamas", "en-GB", []),
    ],
)
def test_the_lists_that_come_with_it_find_what_they_should(a_mention, text, lang, topics):
    found = [topic for topic, _ in hits(a_mention(text=text, lang=lang), CrisisSettings())]
    assert set(found) == set(topics)
    assert len(found) >= len(topics)


EVERY_DAY = [
    ("en", "I was charged with a $50 baggage fee twice"),
    ("en", "Aeroluz app: my phone battery is dead after two hours since your update"),
    ("en", "My phone died after the Aeroluz update, fix it"),
    ("en", "the app died because of your last update"),
    ("en", "my battery has died waiting for you"),
    ("en", "My Aeroluz account is inaccessible since Monday, nobody helps"),
    ("en", "Aeroluz website is not accessible right now, useless"),
    ("en", "I got shocked by the Aeroluz price increase"),
    ("en", "I recalled you promised a refund"),
    ("en", "arrested development was removed"),
    ("en", "Cartel de Santa is missing from my playlist"),
    ("en", "my phone bill exploded this month, prices exploded"),
    ("en", "it was killed by the new update"),
    ("en", "The death of customer service: Aeroluz"),
    ("en", "Death of a dear friend, need to change my ticket"),
    ("en", "the deaths in this season were badly written"),
    ("en", "where can I get a wheelchair at gate 4, nobody answers"),
    ("en", "you lost my mother's wheelchair, it came back broken"),
    ("en", "warm cabin, we are all overheated"),
    ("en", "four hours delay, sheer negligence"),
    ("en", "some hackers changed my email, help"),
    ("en", "fined 60 euros for a carry on, shame"),
    ("en", "trapped inside your phone menu for an hour"),
    ("en", "Injured list updates fail to load"),
    ("en", "this new song is on fire"),
    ("en", "you are poisoning the market"),
    ("en", "the app crashed"),
    ("en", "this company burned me again"),
    ("es", "la app se ha detenido otra vez"),
    ("es", "Mi pedido de Aeroluz sigue detenido en aduana y nadie contesta"),
    ("es", "paquete detenido por aduanas"),
    ("es", "Se me murió el móvil con la actualización de Aeroluz"),
    ("es", "mi móvil murió con la actualización"),
    ("es", "Oferta caducada y Aeroluz no me la respeta, vergonzoso"),
    ("es", "las millas caducadas, qué vergüenza"),
    ("es", "pago procesado por error dos veces"),
    ("es", "estamos muertos de risa con vuestro servicio"),
    ("es", "las redes en llamas contra Aeroluz"),
    ("es", "La web de Aeroluz está inaccesible desde ayer"),
    ("es", "la web no es accesible desde ayer"),
    ("es", "exploto de rabia con vosotros"),
    ("es", "el jugador sigue con lesión"),
    ("es", "vaya accidente de web"),
    ("es", "lo borré por accidente"),
    ("es", "su atención es un incendio"),
    ("es", "me reventó el precio; revento de risa"),
    ("es", "la factura me quemo el bolsillo"),
    ("es", "¿dónde pido una silla de ruedas?"),
    ("es", "que monopolio"),
]


@pytest.mark.parametrize(("lang", "text"), EVERY_DAY)
def test_what_complaints_of_every_day_say_is_no_crisis(a_mention, lang, text):
    assert list(hits(a_mention(text=text, lang=lang), CrisisSettings())) == []


CRISES = [
    *(("en", "safety", text) for text in (
        "my phone is exploding", "The charger from Aeroluz is exploding, careful", "the charger explodes",
        "there was a fire on board", "electrical fire", "smoke filled the cabin", "a burning smell in row 4",
        "my phone burned me", "it burnt her hand", "my son died on your flight",
        "A passenger has died on an Aeroluz flight",
        "two people died", "killed my dog", "your driver killed someone", "the driver was killed", "plane crashed",
        "food made me sick", "got sick after eating your meal", "the driver assaulted me", "raped by a driver",
        "the kid choked", "carbon monoxide", "my phone caught on fire", "Aeroluz has recalled its chargers",
    )),
    *(("en", "legal", text) for text in (
        "I'm suing", "I'll sue you", "gonna sue @United", "we should sue @United", "hiring an attorney",
        "the manager was charged with fraud", "arrested at the gate", "gross negligence",
    )),
    *(("en", "data", text) for text in (
        "My data was leaked by Aeroluz", "leaking customer data", "a breach of customer data", "you were breached",
        "Anyone got hacked?", "hackers stole our cards",
    )),
    *(("en", "discrimination", text) for text in (
        "they denied a wheelchair to my mother", "your site is inaccessible to blind people",
        "kicked off because of my skin color", "called me the n-word",
    )),
    *(("es", "safety", text) for text in (
        "explotaron dos baterías", "A Aeroluz le explotaron dos baterías en la bodega", "explota el cargador",
        "el cargador explotó", "se quemó mi hijo", "quemó a mi hijo", "humo en cabina", "hay humo", "hay un muerto",
        "una muerte", "muertes", "mataron a mi perro", "murieron dos personas", "me agredió el conductor",
        "nos agredieron: agredieron a mi madre", "me intoxiqué", "vomitando tras comer", "yogures caducados en la caja",
        "un herido grave", "un accidente de autobús",
    )),
    *(("es", "legal", text) for text in (
        "pondré una demanda", "Pondré una demanda a Aeroluz, ya está bien", "voy a poner una demanda",
        "os pongo una demanda", "os demandaré", "denuncié", "los denuncio", "ya he denunciado",
        "denuncia a la policía", "detenido por la policía", "procesada por fraude",
    )),
    *(("es", "data", text) for text in (
        "robaron los datos de miles de clientes", "filtraron los datos", "se filtraron datos de clientes",
        "me han robado los datos", "me hackearon", "mi cuenta fue hackeada",
    )),
    *(("es", "discrimination", text) for text in (
        "me negaron la silla de ruedas", "web inaccesible para ciegos", "me discriminaron",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "topic", "text"), CRISES)
def test_what_a_crisis_is_told_in_is_found_in_all_its_forms(a_mention, lang, topic, text):
    assert topic in {found for found, _ in hits(a_mention(text=text, lang=lang), CrisisSettings())}


def test_what_is_not_meant_takes_back_only_where_it_stands(a_mention):
    mention = a_mention(text="First my bill exploded, then the battery exploded in my hand", lang="en")
    assert [hit.span for _, hit in hits(mention, CrisisSettings())] == [(41, 49)]


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_phrase_that_is_not_meant_holds_a_term(lang):
    terms = word_list(tuple(one for topic in TOPICS for one in shipped()[lang][topic]))
    for phrase in unmeant()[lang]:
        text = phrase.replace("*", "")
        assert terms.hits(f"x {text} dos"), phrase


def test_a_detractor_with_such_words_fires_and_the_words_are_named(a_mention):
    mention = a_mention(text="Aeroluz lawsuit after the engine fire, again a LAWSUIT", lang="en", reach=12)
    verdict = judge(mention, CrisisSettings())
    assert (verdict.fires, verdict.reason, verdict.severity) == (True, Reason.CRISIS_WORDS, None)
    assert CrisisSettings().severity is Severity.CRITICAL
    assert verdict.because == (
        "safety: engine fire; legal: lawsuit*; 90% likely a detractor (alerts from 50%), reach 12"
    )  # fmt: skip


def test_what_a_stranger_wrote_stands_in_no_reason(a_mention):
    mention = a_mention(text="<!channel> *incendiado* <b>hackeado</b> #IncendioYa", lang="es")
    assert judge(mention, CrisisSettings()).because.startswith("safety: incendi*; data: hackead*; 90%")


def test_many_words_are_counted_and_not_all_named(a_mention):
    mention = a_mention(text="racist, sexist, homophobic, ageist, bigots, misogynists, slurs, antisemites", lang="en")
    because = judge(mention, CrisisSettings()).because
    assert because.startswith("discrimination: racist, sexist*, homophob*, ageis*, bigot*, misogyn* and 2 more;")


@pytest.mark.parametrize(
    ("changes", "reason", "because"),
    [
        ({"label": None, "stance": None, "polarity": {}}, Reason.NOT_SCORED_FOR_BRAND, "no score yet"),
        ({"text": "Aeroluz lost my bag"}, Reason.NO_CRISIS_WORDS, "no crisis words"),
        (
            {"label": "passive", "stance": {"-2": 0.3, "0": 0.7}, "complaint": 0.49}, Reason.NOT_NEGATIVE,
            "legal: lawsuit*, but only 49% likely against the brand, needs 50%",
        ),
        ({"stance": {"-2": float("nan")}}, Reason.NOT_NEGATIVE, None),
        (
            {"label": "promoter", "complaint": 0.99}, Reason.NOT_NEGATIVE,
            "legal: lawsuit*, but said by somebody who speaks for the brand",
        ),
    ],
)  # fmt: skip
def test_what_falls_short_is_held_with_its_reason(a_mention, changes, reason, because):
    verdict = judge(a_mention(**{"text": "Aeroluz faces a lawsuit", "lang": "en"} | changes), CrisisSettings())
    assert (verdict.fires, verdict.reason) == (False, reason)
    assert because in (None, verdict.because)


def test_a_complaint_is_enough_where_the_stance_is_not_clear(a_mention):
    mention = a_mention(text="a lawsuit", label="passive", stance={"-2": 0.3, "0": 0.7}, complaint=0.8)
    assert judge(mention, CrisisSettings()).because == "legal: lawsuit*; 80% likely a complaint (alerts from 50%)"


def test_old_crises_are_held(a_mention, noon):
    old = {"text": "a lawsuit", "created_at": noon, "collected_at": noon + timedelta(days=2)}
    assert judge(a_mention(**old), CrisisSettings()).reason is Reason.TOO_OLD
    assert judge(a_mention(**old, judge_as_new=True), CrisisSettings()).fires


def test_the_brands_own_name_is_no_crisis(a_mention):
    text = "Explosion Energy lost my order"
    assert judge(a_mention(text=text, lang="en", spans=((0, 16),)), CrisisSettings()).reason is Reason.NO_CRISIS_WORDS
    assert judge(a_mention(text=text, lang="en"), CrisisSettings()).fires


def test_lists_are_added_to_taken_from_and_replaced(a_mention):
    def found(text, **settings):
        return [hit.term for _, hit in hits(a_mention(text=text, lang="en"), CrisisSettings(**settings))]

    assert found("smell of fuel", add={"safety": ("smell of fuel", "turbulence")}) == ["smell of fuel"]
    assert found("a LAWSUIT", remove={"legal": ("lawsuit*",)}) == []
    assert found("on fire, strike", words={"safety": ("strike",)}) == ["strike"]
    assert found("on fire, strike", words={"safety": ()}, add={"safety": ("strike",)}) == ["strike"]
    assert found("on fire, a lawsuit", topics=frozenset({"legal"})) == ["lawsuit*"]
    assert terms_of("legal", "es", CrisisSettings()) == shipped()["es"]["legal"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"topics": frozenset()}, "topics is empty"),
        ({"min_probability": 50}, "between 0 and 1"),
        ({"add": {"safety": ("ab*",)}}, "write more letters before the"),
        ({"words": {"safety": ("!!",)}}, "no letter or digit"),
        ({"remove": {"legal": ("lawsuit",)}}, "'lawsuit' is not in the list of legal"),
    ],
)
def test_wrong_settings_are_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        CrisisSettings(**wrong)
