import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

STREAM = Path(__file__).parents[2] / "api" / "demo" / "stream.jsonl"
STORY = 48 * 3600
OUTAGE = (24 + 14) * 3600
OWN, RIVALS = "Lumbra", ("Telmira", "Norquix")
PLATFORMS = {"x", "reddit", "mastodon", "bluesky", "hackernews", "youtube", "appstore", "news"}
FIELDS = {"at", "platform", "id", "author", "text", "lang", "url", "reach", "reply_to", "brands", "expected"}


def words(text):
    return set(re.findall(r"\w+", text.casefold()))


def core(text):
    """The text without what a repost or a syndicating paper puts around it."""
    return re.sub(r"^RT @[\w.-]+: | \(Fibre Watch\)$| \| The Harbour Ledger$", "", text)


@pytest.fixture(scope="module")
def lines():
    return STREAM.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def rows(lines):
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def stored(rows):
    """What is left when every (platform, id) counts once."""
    return list({(r["platform"], r["id"]): r for r in reversed(rows)}.values())[::-1]


def test_every_row_has_exactly_the_fields_and_their_types(rows):
    for r in rows:
        assert set(r) == FIELDS
        assert set(r["author"]) == {"id", "handle", "name", "followers"}
        assert type(r["at"]) is int
        texts = (r["id"], r["text"], r["author"]["id"], r["author"]["handle"], r["author"]["name"])
        assert all(isinstance(v, str) and v.strip() for v in texts)
        assert r["reach"] is None or type(r["reach"]) is int
        assert r["lang"] in {"en", "es"}
        assert r["expected"] in {"promoter", "passive", "detractor", None}


def test_the_story_is_told_in_order_and_lasts_two_days(rows):
    times = [r["at"] for r in rows]
    assert times == sorted(times)
    assert times[0] >= 0
    assert STORY - 3 * 3600 < times[-1] < STORY


def test_there_are_enough_mentions_in_both_languages_on_every_platform(rows, stored):
    assert len(rows) >= 430
    assert len(stored) >= 400
    languages = Counter(r["lang"] for r in stored)
    assert 0.50 <= languages["en"] / len(stored) <= 0.60
    platforms = Counter(r["platform"] for r in stored)
    assert set(platforms) == PLATFORMS
    assert min(platforms.values()) >= 10


def test_all_three_brands_are_talked_about_in_all_three_stances(stored):
    stances = Counter((r["brands"][0], r["expected"]) for r in stored if r["brands"])
    for brand in (OWN, *RIVALS):
        assert all(stances[brand, stance] >= 10 for stance in ("promoter", "passive", "detractor"))
    assert sum(n for (brand, _), n in stances.items() if brand == OWN) > len(stored) / 2
    assert sum(len(r["brands"]) > 1 for r in stored) >= 20


def test_a_brand_that_is_meant_is_also_named(stored):
    for r in stored:
        assert {b.casefold() for b in r["brands"]} <= words(r["text"]), r["text"]


def test_homonyms_carry_a_brand_word_but_no_brand_and_no_stance(stored):
    homonyms = [r for r in stored if not r["brands"]]
    assert 12 <= len(homonyms) <= 18
    for r in homonyms:
        assert r["expected"] is None
        assert words(r["text"]) & {"lumbra", "telmira", "norquix"}
    assert all(r["expected"] for r in stored if r["brands"])


def test_exact_repeats_bring_the_very_same_post_again(rows):
    seen = defaultdict(list)
    for r in rows:
        seen[r["platform"], r["id"]].append({k: v for k, v in r.items() if k != "at"})
    again = [copies for copies in seen.values() if len(copies) > 1]
    assert 10 <= sum(len(copies) - 1 for copies in again) <= 15
    assert all(copy == copies[0] for copies in again for copy in copies)


def test_reposts_and_syndicated_headlines_have_ids_and_authors_of_their_own(stored):
    same = defaultdict(list)
    for r in stored:
        same[core(r["text"])].append(r)
    families = [family for family in same.values() if len(family) > 1]
    assert 10 <= sum(len(family) - 1 for family in families) <= 15
    assert all(len({r["author"]["id"] for r in family}) == len(family) for family in families)
    assert {r["platform"] for family in families for r in family} >= {"x", "news"}


def test_nothing_points_outside_example_com(stored):
    for r in stored:
        links = [r["url"], *re.findall(r"https?://[^\s|\"<>]+", r["text"])]
        assert all((urlsplit(u).scheme, urlsplit(u).hostname) == ("https", "example.com") for u in links)
    assert len({r["url"] for r in stored}) == len(stored)


def test_replies_answer_an_earlier_post_of_the_same_platform(rows):
    told, replies = set(), 0
    for r in rows:
        if r["reply_to"] is not None:
            assert (r["platform"], r["reply_to"]) in told
            replies += 1
        told.add((r["platform"], r["id"]))
    assert replies >= 8


def test_the_audience_has_a_heavy_tail_and_gaps(stored):
    reach = sorted(r["reach"] for r in stored if r["reach"] is not None)
    assert (reach[0], reach[-1]) == (3, 250_000)
    assert reach[len(reach) // 2] < 1_000 < 20_000 < reach[-len(reach) // 20]
    assert 0.05 < sum(r["reach"] is None for r in stored) / len(stored) < 0.4
    by_author = defaultdict(set)
    for r in stored:
        by_author[r["author"]["id"]].add(json.dumps(r["author"]))
    assert all(len(faces) == 1 for faces in by_author.values())


def test_the_outage_starts_with_two_posts_and_grows(stored):
    places = {"valencia", "bilbao"}
    outage = [r for r in stored if OUTAGE <= r["at"] < OUTAGE + 3 * 3600 and OWN in r["brands"]]
    named = [r for r in outage if places & words(r["text"])]
    assert sum(r["at"] < OUTAGE + 1800 for r in named) == 2
    angry = Counter((r["at"] - OUTAGE) // 3600 for r in outage if r["expected"] == "detractor")
    assert 2 * angry[0] < angry[1] < angry[2]
    assert len(outage) >= 60
    assert {r["lang"] for r in outage} == {"en", "es"}
    assert not any(places & words(r["text"]) for r in stored if r["at"] < OUTAGE)
    before = [r for r in stored if OUTAGE - 24 * 3600 <= r["at"] < OUTAGE - 21 * 3600 and OWN in r["brands"]]
    assert len(outage) > 2 * len(before)
    assert any(r["platform"] == "news" for r in named)
    thanks = [r for r in stored if r["at"] >= OUTAGE + 3 * 3600 and r["expected"] == "promoter"]
    assert any(places & words(r["text"]) for r in thanks)


@pytest.mark.parametrize(
    "trap",
    ["<script>", "<!channel>", "\u202e", "\u200b", "=HYPERLINK(", "DROP TABLE", "🤬", "Ｌｕｍｂｒａ", "LUMBRA SINV"],
)
def test_the_stream_holds_the_trap(stored, trap):
    assert any(trap in r["text"] for r in stored)


def test_invisible_characters_are_escaped_in_the_file(lines):
    assert not any(c in line for line in lines for c in "\u202e\u202c\u200b\ufeff")


def test_one_long_post_names_the_brand_only_in_its_middle(stored):
    long = max((r["text"] for r in stored), key=len)
    assert 3_400 <= len(long) <= 3_700
    assert long.count(OWN) == 1
    assert 0.4 < long.index(OWN) / len(long) < 0.6
