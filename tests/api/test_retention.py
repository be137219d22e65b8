"""How long mentions are kept, settled over the API and on the page."""

import pytest

from listener.access import Role

from .conftest import House

PATH = "/api/v1/settings/retention"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_it_is_settled_for_the_version_that_was_read(house: House) -> None:
    client = house.client()
    first = client.get(PATH)
    assert (first.json()["days"], first.headers["etag"]) == (None, '"0"')
    assert first.json()["platforms"]["youtube"] == 30
    assert client.put(PATH, json={"days": 365}).status_code == 428
    done = client.put(PATH, json={"days": 365}, headers={"If-Match": '"0"'})
    assert (done.status_code, done.json()["days"]) == (200, 365)
    assert client.put(PATH, json={"days": 30}, headers={"If-Match": '"0"'}).status_code == 412
    assert client.put(PATH, json={"days": 3}, headers={"If-Match": "*"}).status_code == 422
    (entry,) = client.get("/api/v1/audit", params={"action": "retention.settled"}).json()["items"]
    assert entry["detail"] == {"before": None, "after": 365}


def test_the_page_saves_it_and_says_what_may_be_chosen(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    assert client.post("/settings/retention", data={"days": "90", "version": "0"}).status_code == 303
    assert 'value="90"' in client.get("/settings").text
    stale = client.post("/settings/retention", data={"days": "30", "version": "0"})
    assert (stale.status_code, "Somebody has changed this" in stale.text) == (422, True)
    wrong = client.post("/settings/retention", data={"days": "2", "version": "1"})
    assert (wrong.status_code, "7 to 3650 days" in wrong.text) == (422, True)
    assert client.post("/settings/retention", data={"days": "", "version": "1"}).status_code == 303
    assert "without a limit of your own" in client.get("/settings").text


def test_only_who_may_settle_things_is_shown_the_form(house: House) -> None:
    client = house.client(Role.AGENT)
    assert "/settings/retention" not in client.get("/settings").text
    assert client.post("/settings/retention", data={"days": "90"}).status_code == 403
