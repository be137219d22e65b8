"""API keys: what other programs ask with."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api.access import needs
from api.giving import wrong_scopes
from api.routes.dependencies import Before, Id, Installed, Limit, Moment, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.items import storable, wordless
from listener.store import api_keys, audit, brands
from listener.store.tables import ApiKey

router = APIRouter(prefix="/api/v1/keys", tags=["keys"])

Manager = Annotated[Caller, needs(Permission.KEYS)]

LONGEST_NAME = 200
MOST_BRANDS = 1000


class Key(BaseModel):
    """A key, without the key itself: that is kept nowhere."""

    id: int
    name: str
    prefix: str = Field(description="How it begins, to know it by.")
    scopes: list[str]
    brands: list[str] | None = Field(description="The only brands that it is for; null = all.")
    created_by: str
    created_at: datetime
    expires_at: datetime | None = Field(description="null = never.")
    used_at: datetime | None = Field(description="When it was last used, to the minute.")
    revoked_at: datetime | None = Field(description="It opens nothing since then.")
    revoked_by: str | None


class Keys(BaseModel):
    """A page of keys, the latest made first, those that are over too."""

    items: list[Key]
    next: int | None = Field(description="`before` of the next page; null = this is the last.")


class NewKey(BaseModel):
    """A key to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=LONGEST_NAME, description="What it is for, as timelines and the audit name it.")
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission), description="No more than you may do.")
    brands: list[Annotated[str, Field(max_length=500)]] | None = Field(
        None, min_length=1, max_length=MOST_BRANDS, description="The only brands that it is for; null = all."
    )
    expires_at: Moment | None = Field(
        None, description="null = never. A key that another key makes ends with that one at the latest."
    )


class MadeKey(BaseModel):
    """A new key. It is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer ...`.")
    about: Key


@router.get("", summary="List API keys")
def list_keys(asking: Manager, session: Reading, limit: Limit = 50, before: Before = None) -> Keys:  # noqa: ARG001
    """All that were ever made."""
    found = api_keys.listed(session, before=before, limit=limit + 1)
    shown, names = found[:limit], brand_names(session, *found)
    return Keys(items=[_key(one, names) for one in shown], next=shown[-1].id if len(found) > limit else None)


@router.post("", status_code=201, summary="Make an API key")
def make_key(asking: Manager, installed: Installed, response: Response, asked: NewKey) -> MadeKey:
    """It can do what its scopes say and no more, until it is revoked or expires."""
    now, name = clock.now(), storable(asked.name).strip()
    if wordless(name):
        raise HTTPException(422, "name: say what the key is for")
    if asked.expires_at is not None and asked.expires_at <= now:
        raise HTTPException(422, "expires_at: this is over already")
    said = wrong_scopes(asking, asked.scopes, all_brands=asked.brands is None)
    if said is not None:
        raise HTTPException(403 if frozenset(asked.scopes) - asking.everywhere else 422, said)
    with installed.store.transaction() as session:
        only = None if asked.brands is None else _brand_ids(session, asked.brands)
        key_id, key = api_keys.make_key(
            session, name, set(asked.scopes), asking.actor, now, brands=only, expires_at=asked.expires_at,
            made_with=asking.key_id,
        )  # fmt: skip
        detail = asked.model_dump(mode="json", include={"scopes", "brands", "expires_at"})
        audit.note(session, asking.actor, "key.made", f"key {key_id}", {"name": name} | detail, now)
        made = session.get_one(ApiKey, key_id)
        about = _key(made, brand_names(session, made))
    response.headers["Cache-Control"] = "no-store"
    return MadeKey(key=key, about=about)


@router.delete("/{key_id}", summary="Revoke an API key", responses={404: {"description": "There is no such key."}})
def revoke_key(asking: Manager, installed: Installed, key_id: Id) -> Key:
    """It opens nothing from now on, nor do the keys that it made. They stay in the list."""
    now = clock.now()
    with installed.store.transaction() as session:
        before = session.get(ApiKey, key_id)
        found = api_keys.revoke(session, key_id, asking.actor, now)
        if before is None or found is None:
            raise HTTPException(404, "there is no such key")
        if found.revoked_at == now:
            audit.note(session, asking.actor, "key.revoked", f"key {key_id}", {"name": found.name}, now)
        return _key(found, brand_names(session, found))


def brand_names(session: Session, *keys: ApiKey) -> Mapping[int, str]:
    """The names of the brands that keys are for."""
    return brands.names(session, {brand for key in keys for brand in key.brands or ()})


def _brand_ids(session: Session, names: list[str]) -> list[int]:
    found = []
    for name in dict.fromkeys(names):
        brand = brands.brand_named(session, storable(name))
        if brand is None or brand.id is None:
            raise HTTPException(422, f"brands: there is no brand {name[:80]!r}")
        found.append(brand.id)
    return found


def _key(one: ApiKey, names: Mapping[int, str]) -> Key:
    assert one.id is not None
    return Key(
        id=one.id, name=one.name, prefix=one.prefix, scopes=one.scopes,
        brands=None if one.brands is None else [names.get(brand, "?") for brand in one.brands],
        created_by=one.created_by, created_at=one.created_at, expires_at=one.expires_at, used_at=one.used_at,
        revoked_at=one.revoked_at, revoked_by=one.revoked_by,
    )  # fmt: skip
