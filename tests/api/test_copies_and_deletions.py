"""The API lists what is said once, shows its copies when asked, and says of what is gone when and why it went."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.store import deletion

from .conftest import House

STORY = "Lumbra cuts off a whole city for the second time in a week, and nobody says when the light will be back on"


@pytest.fixture
def client(house: House) -> TestClient:
    for number, reach in ((1, 100), (2, 20), (3, 3)):
        house.hear(number, f"{STORY} - The Daily" if number == 2 else STORY, "detractor", reach=reach)
        house.clock.advance(minutes=1)
    house.hear(4, "So typical of Lumbra", "detractor", quote_of="1")
    house.judge_and_tell()
    return house.client()


def items(client: TestClient, **filters: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/mentions", params=filters)
    assert answer.status_code == 200, answer.text
    found = answer.json()["items"]
    assert isinstance(found, list)
    return found


def test_copies_are_counted_under_the_first_and_shown_with_what_quotes_it(client: TestClient) -> None:
    quote, story = items(client)

    assert (story["native_id"], story["copies"], story["copy_of"]) == ("1", 2, None)
    assert (quote["native_id"], quote["copies"], quote["copy_of"]) == ("4", 0, None)
    assert quote["cluster"] == story["cluster"]
    shown = items(client, cluster=story["cluster"])
    assert [item["native_id"] for item in shown] == ["4", "3", "2", "1"]
    assert [item["copy_of"] for item in shown] == [None, story["id"], story["id"], None]
    assert [item["verdict"] for item in shown] == ["joined_incident", "copy", "copy", "opened_incident"]


def test_what_was_deleted_is_found_by_id_and_cluster_alone(client: TestClient, house: House) -> None:
    story = items(client)[1]
    with house.store.transaction() as session:
        assert deletion.blank_native(session, "x", ["1"], "deleted", house.clock()) == 1

    _, left = items(client)
    assert (left["native_id"], left["copies"]) == ("2", 1)
    gone = client.get(f"/api/v1/mentions/{story['id']}").json()
    assert (gone["text"], gone["url"], gone["author"], gone["label"]) == ("", None, None, None)
    assert gone["deleted_why"] == "deleted"
    assert gone["deleted_at"].startswith(house.clock().isoformat()[:16])
    assert story["id"] in [item["id"] for item in items(client, cluster=left["cluster"])]
    assert story["id"] not in [item["id"] for item in items(client, alert=1)]


def test_an_edit_says_when(client: TestClient, house: House) -> None:
    edited_at = house.clock() + timedelta(minutes=3)
    house.hear(5, "Lumbra is back", None)
    house.hear(5, "Lumbra is back, at last", None, edited_at=edited_at)

    item = items(client)[0]
    assert item["text"] == "Lumbra is back, at last"
    assert item["edited_at"].startswith(edited_at.isoformat()[:16])


@pytest.mark.parametrize("wrong", ["?cluster=0", "?cluster=x", "/-1", f"?cluster={2**70}", f"/{2**70}"])
def test_ids_that_cannot_be_are_refused(client: TestClient, wrong: str) -> None:
    assert client.get(f"/api/v1/mentions{wrong}").status_code == 422
