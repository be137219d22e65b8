from dataclasses import dataclass
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from alerts.durations import Duration
from alerts.problems import Problem, hint, in_words, problems

SECRET = "s3cret"


@dataclass(frozen=True)
class Rule:
    __pydantic_config__ = ConfigDict(extra="forbid")

    share: float = 0.5
    sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.share > 1:
            raise ValueError("share lies between 0 and 1")


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="what it is called")
    role: Literal["own", "other"] = "own"
    rule: Rule | Literal[False] = False
    window: Duration | None = None

    @field_validator("name")
    @classmethod
    def _spoken(cls, name: str) -> str:
        if name == "!":
            raise ValueError("a name has letters")
        return name


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    entries: tuple[Entry, ...] = ()
    columns: dict[Literal["text", "date"], str] = {}
    delimiter: str = Field(default=",", max_length=1)


def found(data: object) -> list[Problem]:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(data)
    return problems(caught.value, Whole)


def entry(**fields: object) -> dict[str, object]:
    return {"entries": [{"name": "A", **fields}]}


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        ({"entrys": []}, ("entrys",), "nothing here is called 'entrys'; did you mean entries?"),
        (
            entry(zzz=1),
            ("entries", 0, "zzz"),
            "nothing here is called 'zzz'; there are: name, role, rule, window",
        ),
        (
            entry(rule={"shares": 1}),
            ("entries", 0, "rule", "shares"),
            "nothing here is called 'shares'; did you mean share?",
        ),
        ({"entries": [{}]}, ("entries", 0, "name"), "'name' is missing: what it is called"),
        ({"entries": ["A"]}, ("entries", 0), "entry 1 of entries: write settings here, each on a line of its own as "),
        ({"entries": "A"}, ("entries",), "entries: write a list here, each entry on a line of its own after a -"),
        (entry(name="!"), ("entries", 0, "name"), "name: a name has letters"),
        (entry(role="foe"), ("entries", 0, "role"), "role: must be 'own' or 'other'"),
        (entry(rule=True), ("entries", 0, "rule"), "rule: write settings here"),
        (entry(rule={"share": 2}), ("entries", 0, "rule"), "rule: share lies between 0 and 1"),
        (
            entry(rule={"sizes": [2, "x"]}),
            ("entries", 0, "rule", "sizes", 1),
            "entry 2 of sizes: must be a valid integer",
        ),
        (entry(window=[]), ("entries", 0, "window"), "window: a length of time looks like 90s"),
        (
            {"columns": {"foo": "a"}},
            ("columns", "foo"),
            "columns: 'foo' is no name for this: it must be 'text' or 'date'",
        ),
        ({"columns": []}, ("columns",), "columns: write settings here"),
        ({"delimiter": "::"}, ("delimiter",), "delimiter: must have at most 1 character"),
        ({1: "a"}, (1,), "1: names are text; write it in quotes if it is meant"),
    ],
)
def test_a_mistake_in_words(data: object, place: tuple[str | int, ...], words: str) -> None:
    (problem,) = found(data)
    assert problem.place == place
    assert str(problem).startswith(words)


def test_all_of_them_on_one_line() -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({"delimiter": 1, "entries": 2})
    assert in_words(caught.value, Whole) == (
        "entries: write a list here, each entry on a line of its own after a -; delimiter: must be a valid string"
    )


def test_what_is_said_of_a_whole_thing_needs_no_name() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Rule).validate_python({"share": 2})
    assert in_words(caught.value, Rule) == "share lies between 0 and 1"


def test_values_stay_out_of_it() -> None:
    assert SECRET not in str(found(entry(window=[SECRET], role=SECRET) | {"delimiter": SECRET}))


def test_a_hint_is_the_nearest_name_or_all_of_them() -> None:
    assert hint("Querry", ["name", "query"]) == "did you mean query?"
    assert hint("zzz", ["name", "query"]) == "there are: name, query"
    assert hint("zzz", []) == "there are: none"
