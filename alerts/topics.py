"""What a mention is about, as far as plain words tell: the topics that decide what an answer must deal with.

Words are compared without accents and in lower case, and only whole: each pattern begins and ends where a word does.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from alerts.notice import Language
from alerts.text import one_line

READ = 4_000
"""Characters of a text that are looked at; nobody complains of anything for the first time after those."""

_LONGEST_WORDS = 60


class Topic(StrEnum):
    """In the order of what must be dealt with first."""

    SAFETY = "safety"
    DATA = "data"
    OUTAGE = "outage"
    BILLING = "billing"
    LOST = "lost"
    DELAY = "delay"
    CANCELLED = "cancelled"
    NO_REPLY = "no_reply"
    STAFF = "staff"
    FAULT = "fault"
    LEAVING = "leaving"
    PRAISE = "praise"


@dataclass(frozen=True, slots=True)
class Found:
    """A topic, and the words of the mention that say so, as they stand there, on one line."""

    topic: Topic
    words: str


_WORDS: Mapping[Topic, Mapping[Language, str]] = {
    Topic.SAFETY: {
        "en": r"unsafe|dangerous|danger|injur(?:y|ed|ies)|hurt (?:me|my|us)|burn(?:ed|t) (?:me|my)|caught fire|on fire|"
        r"hospital|ambulance|electrocut\w+|(?:food )?poison(?:ed|ing|ous)|allergic|smoke|explod\w+|emergency landing",
        "es": r"peligros[oa]s?|peligro|herid[oa]s?|lesion\w*|quemad(?:o|a|ura|uras)|incendi\w+|hospital|ambulancia|"
        r"intoxic\w+|alergi\w+|humo|explot(?:o|ado|aron)|explosion|aterrizaje de emergencia",
    },
    Topic.DATA: {
        "en": r"data breach|leak(?:ed|s)? (?:my|our|personal) \w+|my (?:personal )?data|privacy|gdpr|hacked|phishing|"
        r"someone else s account|stolen identity",
        "es": r"mis datos|datos personales|filtracion\w*|privacidad|rgpd|lopd|hacke\w+|hackead[oa]|phishing|"
        r"suplant\w+",
    },
    Topic.OUTAGE: {
        "en": r"outage|is down|are down|was down|went down|been down|down again|(?:is|are|went) offline|"
        r"no (?:signal|service|internet|"
        r"connection|coverage)|without (?:a )?(?:signal|service|internet)|not loading|servers? down|can(?:not| ?t) "
        r"(?:log ?in|connect|access)|won ?t (?:load|open|connect)",
        "es": r"caid[oa]s?|se (?:ha )?caido|no (?:funciona|carga|conecta|hay (?:senal|servicio|internet|cobertura))|"
        r"sin (?:senal|servicio|internet|cobertura|linea|conexion)|no (?:puedo|me deja) (?:entrar|acceder|conectar\w*)|"
        r"averia\w*",
    },
    Topic.BILLING: {
        "en": r"refund(?:s|ed)?|charged?(?: me)?(?: twice)?|overcharg\w+|double charged|invoice|bill(?:s|ed|ing)?|"
        r"my money|money back|hidden fees?|fees?|compensation|voucher|reimburs\w+|scam\w*",
        "es": r"reembols\w+|devoluci?on(?:es)?|devuelv\w+|cobr(?:o|os|ado|ada|aron|an|ando)|cargos?|factur\w+|"
        r"mi dinero|comision(?:es)?|indemnizacion|compensacion|estafa\w*",
    },
    Topic.LOST: {
        "en": r"lost (?:my|our|a) \w+|lost luggage|lost bag(?:s|gage)?|missing (?:bag|bags|luggage|baggage|parcel|"
        r"package|order|item)s?|my (?:bag|bags|luggage|baggage|parcel|package|order) (?:is|are|was|were|has|have|never|"
        r"hasn ?t|didn ?t|isn ?t)|never arrived|not delivered|wrong (?:item|order|address)",
        "es": r"perdi(?:do|da|eron)(?: (?:mi|mis|nuestr[oa]s?|la|las|el) \w+)?|extravi\w+|"
        r"no (?:ha |me ha )?llega(?:do|n)?|nunca llego|(?:mi|mis) (?:maletas?|equipajes?|paquetes?|pedidos?)|"
        r"no entregad[oa]s?",
    },
    Topic.DELAY: {
        "en": r"delay(?:s|ed|ing)?|late flights?|hours? late|running late|still waiting|been waiting|waiting for "
        r"(?:hours|days|weeks|over)|(?:stuck|sitting) (?:on|at|in) \w+|on hold|queue|waited|slow|"
        r"(?:two|three|four|five|\d{1,3}) (?:hours|days|weeks)",
        "es": r"retras\w+|demor\w+|(?:muy|llega|llego|llegan) tarde|tard(?:an|ado|anza|aron)|(?:sigo|seguimos|llevo|"
        r"llevamos) (?:esperando|\w+ "
        r"(?:horas|dias|semanas))|esperando|(?:en|de) (?:la )?cola|lent[oa]s?|(?:dos|tres|cuatro|cinco|"
        r"\d{1,3}) (?:horas|dias|semanas)",
    },
    Topic.CANCELLED: {
        "en": r"cancell?(?:ed|ation|ations)(?: (?:flight|order|booking)s?)?|overbooked|bumped",
        "es": r"cancel(?:ado|ada|ados|adas|acion|aciones|aron)|sobreventa|overbooking",
    },
    Topic.NO_REPLY: {
        "en": r"no (?:reply|response|answer|one answers|one responds)|nobody (?:answers|responds|replies|helps)|"
        r"never (?:answer|answered|reply|replied|respond\w*)|ignor(?:e|ed|es|ing)(?: me| us)?|unanswered|"
        r"still no (?:reply|response|answer|word)",
        "es": r"(?:nadie|no) (?:me |nos )?(?:contest\w+|respond\w+|atiend\w+|ayud\w+)|sin respuesta|"
        r"ignor(?:an|ado|ais)|no cogen el telefono|ni (?:contestan|responden)",
    },
    Topic.STAFF: {
        "en": r"rude\w*|unprofessional|unhelpful|disrespect\w*|attitude|(?:the|your) (?:staff|agent|agents|employee|"
        r"employees|driver|crew|representative|manager)|hung up on me|lied to (?:me|us)",
        "es": r"maleducad[oa]s?|groser\w+|bordes?|mal trato|trato (?:recibido|pesimo|horrible)|(?:el|su|vuestro|"
        r"la) (?:personal|empleado|"
        r"empleada|agente|azafata|tripulacion|repartidor|encargad[oa])|me colg(?:o|aron)|mentir\w+|mintieron",
    },
    Topic.FAULT: {
        "en": r"broken|broke|defect\w*|doesn ?t work|does not work|not working|stopped working|crash(?:es|ed|ing)?|"
        r"bugs?|buggy|error|glitch\w*|freez(?:es|ing)|faulty",
        "es": r"rot[oa]s?|defectuos[oa]s?|no (?:va|sirve|arranca)|dej(?:o|a) de funcionar|se (?:cierra|bloquea|cuelga)|"
        r"errores|error|fall(?:o|os|a|an|ando)",
    },
    Topic.LEAVING: {
        "en": r"(?:i am|i m|we are|we re) (?:leaving|done with|switching|cancell?ing)|switch(?:ing|ed) to|"
        r"never (?:again|using|flying|buying)|last time (?:i|we)|cancel(?:l?ing)? my \w+|unsubscrib\w+",
        "es": r"me (?:voy|cambio|paso) (?:de|con|a la) \w+|darme de baja|doy de baja|nunca mas|ultima vez|"
        r"cancelar (?:mi|la) \w+|portabilidad",
    },
    Topic.PRAISE: {
        "en": r"thanks?(?: you)?(?: so much)?|thx|love|great|awesome|amazing|excellent|best|perfect|well done|kudos|"
        r"recommend\w*|brilliant|wonderful|helpful",
        "es": r"gracias|encant(?:a|an|ado|ada)|genial(?:es)?|excelentes?|estupend[oa]s?|maravill\w+|mejor(?:es)?|"
        r"perfect[oa]s?|recomiend\w+|enhorabuena|increible|fantastic[oa]s?",
    },
}  # fmt: skip

_PATTERNS: Mapping[Language, Mapping[Topic, re.Pattern[str]]] = {
    language: {topic: re.compile(rf"(?<!\w)(?:{words[language]})(?!\w)") for topic, words in _WORDS.items()}
    for language in ("en", "es")
}


def topics(text: str, language: Language) -> list[Found]:
    """The topics whose words stand in the text, in the order of `Topic`, each with the first words that say so."""
    read = text[:READ]
    folded, origins = _folded(read)
    found = []
    for topic, pattern in _PATTERNS[language].items():
        hit = pattern.search(folded)
        if hit is not None:
            start, end = origins[hit.start()], origins[hit.end() - 1] + 1
            found.append(Found(topic, one_line(read[start:end])[:_LONGEST_WORDS]))
    return found


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in lower case, without accents and signs, runs of these a single space; and where each letter was."""
    letters: list[str] = []
    origins: list[int] = []
    for index, character in enumerate(text):
        for part in unicodedata.normalize("NFKD", character.casefold()):
            # Accents fall away, so that "retrasó" and "retraso" are one.
            if unicodedata.category(part).startswith("M"):
                continue
            letter = part if part.isalnum() else " "
            if letter == " " and letters and letters[-1] == " ":
                continue
            letters.append(letter)
            origins.append(index)
    return "".join(letters), origins
