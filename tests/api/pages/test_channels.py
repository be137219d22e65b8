"""Channels, silences and routes, on their page and over the API; sources, for those whose brands they are read for."""

import dataclasses
import re

import pytest

from listener.access import Permission, Role
from listener.store import brands
from tests.api.conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@one_database
def test_a_silence_is_added_and_ended_by_those_who_may(full_house: House) -> None:
    agent = full_house.client(Role.AGENT, "Lumbra")
    asked = {"length": "4h", "brand": "Lumbra", "comment": "<b>planned</b>"}
    assert agent.post("/channels/silences", data=asked).status_code == 303
    page = agent.get("/channels").text
    assert "&lt;b&gt;planned&lt;/b&gt;" in page
    for brand in ("*", "Telmira"):
        assert agent.post("/channels/silences", data=asked | {"brand": brand}).status_code == 403
    other = full_house.client(Role.AGENT, "Telmira")
    assert other.post("/channels/silences/1/end").status_code == 404
    assert agent.post("/channels/silences/1/end").status_code == 303
    unsaid = agent.post("/channels/silences", data=asked | {"brand": ""})
    assert (unsaid.status_code, "Choose a brand" in unsaid.text) == (422, True)
    for length in ("soon", "90d"):
        refused = agent.post("/channels/silences", data=asked | {"length": length})
        assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)
    viewer = full_house.client(Role.VIEWER)
    assert viewer.post("/channels/silences", data=asked).status_code == 403


@one_database
def test_all_brands_are_silenced_only_where_that_is_chosen(full_house: House) -> None:
    client = full_house.client(Role.AGENT)
    page = client.get("/channels").text
    assert '<select id="silence-brand" name="brand" required><option value="">Choose</option>' in page
    assert re.search(r'<select id="way-brand" name="brand"><option value="\w', page), "a brand is chosen first"
    assert client.post("/channels/silences", data={"length": "1h", "brand": "*"}).status_code == 303
    [silence] = client.get("/api/v1/silences").json()["items"]
    assert silence["matchers"] == {}


@one_database
def test_a_channel_is_tested_and_switched_on(full_house: House) -> None:
    admin, agent = full_house.client(Role.ADMINISTRATOR), full_house.client(Role.AGENT)
    assert admin.post("/channels/test", data={"name": "log"}).status_code == 303
    assert admin.post("/api/v1/channels/log/test").json() == {"detail": "logged", "on": True}
    assert admin.post("/api/v1/channels/log/enable").json() == {"revived": 0}
    assert admin.post("/api/v1/channels/nowhere/test").status_code == 404
    assert agent.post("/channels/test", data={"name": "log"}).status_code == 403
    [channel] = admin.get("/api/v1/channels").json()["items"]
    assert (channel["name"], channel["on"], channel["budget"]) == ("log", True, 30)
    one = full_house.client(headers=full_house.key(Permission.READ_SETUP, brand="Lumbra"))
    assert one.get("/api/v1/channels").status_code == 403


@one_database
def test_a_process_that_only_serves_says_where_to_test(full_house: House) -> None:
    full_house.installation = dataclasses.replace(full_house.installation, channels={})
    admin = full_house.client(Role.ADMINISTRATOR)
    answer = admin.post("/api/v1/channels/log/test")
    assert (answer.status_code, "escucha channels test log" in answer.json()["detail"]) == (409, True)
    page = admin.post("/channels/test", data={"name": "log"})
    assert (page.status_code, "escucha channels test log" in page.text) == (409, True)


@one_database
def test_a_message_is_not_sent_twice_by_mistake(full_house: House) -> None:
    admin = full_house.client(Role.ADMINISTRATOR)
    assert admin.post("/channels/deliveries/1/resend").status_code == 409
    assert admin.post("/channels/deliveries/99/give-up").status_code == 404


@one_database
def test_which_way_an_incident_would_take(full_house: House) -> None:
    admin = full_house.client(Role.ADMINISTRATOR)
    lumbra = full_house.brand("Lumbra")
    found = admin.post("/api/v1/routes/test", json={"brand": "Lumbra", "severity": "critical"}).json()
    assert (found["branches"][0]["channels"], found["nobody"]) == (["log"], None)
    admin.patch(f"/api/v1/brands/{lumbra}", json={"channels": []}, headers={"If-Match": "*"})
    limited = admin.post("/api/v1/routes/test", json={"brand": "Lumbra"}).json()
    assert limited["branches"][0]["channels"] == []
    assert limited["nobody"]
    page = admin.get("/channels", params={"brand": "Lumbra", "rule": "detractor", "severity": "warning"})
    assert limited["nobody"] in page.text
    one = full_house.client(headers=full_house.key(Permission.READ_SETUP, brand="Lumbra"))
    assert one.post("/api/v1/routes/test", json={"brand": "Telmira"}).status_code == 422
    assert one.post("/api/v1/routes/test", json={"rule": "coverage"}).status_code == 403
    assert one.get("/api/v1/routes").status_code == 403
    assert admin.get("/api/v1/routes").json()["interval"] == "5m"


@one_database
def test_sources_are_for_those_whose_brands_they_are_read_for(full_house: House) -> None:
    rows = [
        {"name": "<b>feed</b>", "kind": "rss", "options": {}, "every_s": 600, "brands": ["Telmira"]},
        {"name": "everything", "kind": "hackernews", "options": {}, "every_s": 600},
    ]
    with full_house.store.transaction() as session:
        brands.save_sources(session, rows, full_house.clock())
        feed = brands.source_named(session, "<b>feed</b>")
    assert feed is not None
    admin, viewer = full_house.client(Role.ADMINISTRATOR), full_house.client(Role.VIEWER, "Lumbra")
    page = admin.get("/sources").text
    assert "&lt;b&gt;feed&lt;/b&gt;" in page
    assert "<b>feed" not in page
    part = viewer.get("/sources/list", headers={"X-Fragment": "1"}).text
    assert "everything" in part
    assert "feed" not in part
    assert "<html" not in part
    assert admin.get(f"/sources/{feed.id}").status_code == 200
    assert viewer.get(f"/sources/{feed.id}").status_code == 404
    assert [one["name"] for one in viewer.get("/api/v1/sources").json()["items"]] == ["everything"]
    assert viewer.get("/api/v1/sources/everything/coverage").status_code == 200
    assert viewer.get("/api/v1/sources/%3Cb%3Efeed%3C%2Fb%3E/coverage").status_code == 404
