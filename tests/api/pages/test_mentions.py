"""Searching mentions on the page, correcting with a key, views, and one mention with the words behind its score."""

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.dashboard.pages import mentions
from api.evidence import Evidences
from listener.access import Role
from listener.config import Settings
from listener.store import deletion
from listener.store.tables import MentionBrand
from sentiment.errors import ModelNotFound
from sentiment.explain import Evidence, Explanation
from sentiment.scorer import Score, Text
from tests.listener.conftest import score_row

from ..conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Explainer:
    """Finds the first word of every text to pull the score down, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[Text] = []

    def explain(self, text: Text) -> Explanation:
        self.asked.append(text)
        row = score_row(0, "detractor", model="test")
        del row["mention_brand_id"]
        word = text.text.split()[-1]
        at = text.text.rindex(word)
        span = Evidence(at, at + len(word), word, 1, -0.75, 1.0)
        brand, read = tuple((a, b) for a, b in text.spans or ()), ((0, len(text.text)),)
        return Explanation(text.text, text.target, "stance", -1.8, 0.1, (span,), brand, read, Score(**row))


@pytest.fixture
def explainer() -> Explainer:
    return Explainer()


@pytest.fixture
def client(full_house: House, explainer: Explainer) -> TestClient:
    """An agent for all brands."""
    return explaining(full_house.client(Role.AGENT), explainer)


def explaining(client: TestClient, explainer: Explainer) -> TestClient:
    assert isinstance(client.app, FastAPI)
    client.app.state.evidences = Evidences(Settings(), lambda _: explainer)
    return client


def listed(page: str) -> list[str]:
    """The ids of the rows."""
    return re.findall(r'<li class="mention [a-z]*" data-id="(\d+)"', page)


def test_the_list_is_searched_filtered_and_says_what_is_wrong(client: TestClient) -> None:
    assert listed(client.get("/mentions").text) == ["5", "4", "3", "2", "1"]
    assert listed(client.get("/mentions?words=thank*&brand=&label=&since=").text) == ["2"]
    assert listed(client.get("/mentions?label=detractor&brand=Lumbra").text) == ["1"]
    assert listed(client.get("/mentions?since=2026-11-22T10:00").text) == []
    wrong = client.get('/mentions?words="lost')
    assert wrong.status_code == 422
    assert "this quote is never closed" in wrong.text
    assert 'value="&#34;lost"' in wrong.text
    assert client.get("/mentions?label=fan").status_code == 422


def test_platforms_are_offered_where_mentions_are_and_unknown_brands_are_said(client: TestClient) -> None:
    page = client.get("/mentions").text
    assert '<option value="x">x</option>' in page
    assert '<option value="file"' not in page
    assert '<option value="reddit" selected>' in client.get("/mentions?source=reddit").text
    unknown = client.get("/mentions?brand=Lumbar")
    assert unknown.status_code == 404
    assert "no brand is called" in unknown.text


def test_the_list_says_how_many_it_found(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "5 mentions found" in client.get("/mentions").text
    assert "1 mention found" in client.get("/mentions?words=thank*").text
    assert "mentions found<" not in client.get("/mentions?words=nobodysaysthis").text
    monkeypatch.setattr(mentions, "SHOWN", 2)
    assert "5 mentions found" in client.get("/mentions").text
    monkeypatch.setattr(mentions, "MOST_COUNTED", 3)
    first = client.get("/mentions").text
    assert "More than 3 mentions found" in first
    assert "Más de 3 menciones encontradas" in client.get("/mentions", headers={"Accept-Language": "es"}).text
    (older,) = re.findall(r'href="(/mentions\?after=[^"]+)"', first)
    assert " found<" not in client.get(older).text


def test_what_is_right_is_said_in_words(client: TestClient) -> None:
    page = client.get("/mentions/1").text
    for key, words in enumerate(("strongly against", "against", "neither", "in favour", "strongly in favour"), start=1):
        assert f'<kbd aria-hidden="true">{key}</kbd> {words}</button>' in page
    assert "It stands alone" in page
    assert page.count("I am leaving") == 1
    assert page.count("<progress") == page.count('class="note scripted"') == 1


def test_the_list_alone_is_sent_to_what_follows_it(client: TestClient) -> None:
    part = client.get("/mentions?words=lumbra", headers={"X-Fragment": "1"}).text
    assert listed(part) == ["5", "3", "2", "1"]
    assert "<main" not in part
    assert 'data-live="mentions" data-from="/mentions?words=lumbra"' in client.get("/mentions?words=lumbra").text


def test_a_key_corrects_and_takes_back(client: TestClient, full_house: House) -> None:
    back = "words=lumbra&label=detractor"
    answer = client.post("/mentions/1/correct", data={"say": "stance:2", "asked": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/mentions?words=lumbra&label=detractor")
    assert "Corrected: strongly in favour" in client.get("/mentions").text
    with full_house.store.reading() as session:
        pair = session.get(MentionBrand, 1)
    assert pair is not None
    assert (pair.label, pair.said_stance) == ("promoter", "2")
    whole = client.post("/mentions/1/correct", data={"say": "stance:", "whole": "true"})
    assert whole.headers["location"] == "/mentions/1"
    assert "taken back" in client.get("/mentions/1").text
    assert client.post("/mentions/1/correct", data={"say": "stance:9"}).status_code == 422
    assert client.post("/mentions/99/correct", data={"say": "stance:1"}).status_code == 404


def test_views_are_kept_and_removed(client: TestClient) -> None:
    assert client.post("/mentions/views", data={"name": "Angry", "asked": "label=detractor"}).status_code == 303
    page = client.get("/mentions").text
    assert 'href="/mentions?label=detractor"' in page
    assert client.post("/mentions/views", data={"name": "Angry", "asked": "label=detractor"}).status_code == 422
    (kept,) = client.get("/api/v1/views?page=mentions").json()["items"]
    assert kept["asked"] == {"label": ["detractor"]}
    assert client.post(f"/mentions/views/{kept['id']}/remove").status_code == 303
    assert client.get("/api/v1/views").json()["items"] == []


def test_one_mention_is_shown_whole(client: TestClient, full_house: House) -> None:
    page = client.get("/mentions/1").text
    for words in ("Thread", "What the model read", "Detractors", "/alerts/1", "50%"):
        assert words in page
    assert client.get("/mentions/99").status_code == 404
    hostile = client.get("/mentions/3").text
    assert "<script>alert" not in hostile
    assert "\u202e" not in hostile
    with full_house.store.transaction() as session:
        deletion.blank(session, [1], "deleted", full_house.clock())
    assert "its words are gone here as well" in client.get("/mentions/1").text


def test_the_words_behind_a_score_are_worked_out_once(client: TestClient, explainer: Explainer) -> None:
    part = client.get("/mentions/1/words", headers={"X-Fragment": "1"}).text
    assert '<span class="pull down strong">leaving<sup>−0.75</sup></span>' in part
    assert "<mark>Lumbra</mark>" in part
    assert "pulls it down" in client.get("/mentions/1/words").text
    told = client.get("/api/v1/mentions/1/evidence").json()
    assert (told["words"][0]["text"], told["words"][0]["effect"], told["stored"]) == ("leaving", -0.75, True)
    assert [one.target for one in explainer.asked] == ["Lumbra"]


def test_where_no_model_can_be_opened_it_is_said(full_house: House) -> None:
    def failing(_: Any) -> Any:
        raise ModelNotFound("there", "nothing is")

    client = full_house.client(Role.VIEWER)
    assert isinstance(client.app, FastAPI)
    client.app.state.evidences = Evidences(Settings(), failing)
    refused = client.get("/api/v1/mentions/1/evidence")
    assert refused.status_code == 503
    assert "Set ESCUCHA_MODEL" in refused.json()["detail"]
    assert "cannot be shown now" in client.get("/mentions/1/words").text


def test_other_brands_mentions_are_not_there(full_house: House, explainer: Explainer) -> None:
    client = explaining(full_house.client(Role.AGENT, "Telmira"), explainer)
    assert listed(client.get("/mentions").text) == ["4"]
    assert listed(client.get("/mentions?brand=Lumbra").text) == []
    for path in ("/mentions/1", "/mentions/1/words", "/api/v1/mentions/1", "/api/v1/mentions/1/evidence"):
        assert client.get(path).status_code == 404, path
    assert client.post("/mentions/1/correct", data={"say": "stance:1"}).status_code == 404
    body = {"what": "stance", "value": "1"}
    assert client.post("/api/v1/mentions/1/corrections", json=body).status_code == 404
    viewer = full_house.client(Role.VIEWER, "Telmira")
    assert viewer.post("/api/v1/mentions/4/corrections", json=body).status_code == 403
    assert 'data-key="1"' not in viewer.get("/mentions").text


def test_the_api_counts_and_tells_all(client: TestClient) -> None:
    assert client.get("/api/v1/mentions/counts?words=lumbra").json() == {"count": 4, "since": None}
    whole = client.get("/api/v1/mentions/1").json()
    assert (whole["verdict"], whole["incidents"][0]["rule"]) == ("opened_incident", "detractor")
    assert whole["reasons"]["opened_incident"]
    client.post("/api/v1/mentions/1/corrections", json={"what": "polarity", "value": "positive"})
    (one,) = client.get("/api/v1/corrections").json()["items"]
    assert (one["before"], one["after"], one["text"]) == ("neutral", "positive", "Lumbra is down again, I am leaving")
    assert client.get("/api/v1/mentions/1/corrections?limit=1").json() == {"items": [one], "next": None}
    fault = client.get('/api/v1/mentions?words=a "b').json()
    assert fault["errors"][0]["parameter"] == "query:words"
    assert "column 3" in fault["errors"][0]["detail"]


def test_a_view_is_ones_own_and_is_removed_with_its_tag(full_house: House) -> None:
    ana, key = full_house.client(Role.VIEWER), full_house.client()
    new = {"page": "mentions", "name": "Spanish", "asked": {"lang": ["es"]}}
    made = ana.post("/api/v1/views", json=new)
    assert made.status_code == 201
    path = f"/api/v1/views/{made.json()['id']}"
    assert ana.post("/api/v1/views", json=new).status_code == 409
    assert key.get("/api/v1/views").status_code == 403
    assert full_house.client(Role.AGENT).get(path).status_code == 404
    assert ana.delete(path).status_code == 428
    assert ana.delete(path, headers={"If-Match": ana.get(path).headers["ETag"]}).status_code == 204
    assert ana.get(path).status_code == 404
