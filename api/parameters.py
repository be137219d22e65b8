"""What stands in an address: a filter that is misspelt must be refused, for leaving it out would answer too much."""

import inspect
from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from alerts.text import one_line, shorten
from api.problems import VALIDATION, Fault, Refused

_LONGEST = 60
_MOST = 20
"""Unknown parameters that an answer tells."""


async def known_only(request: Request) -> None:
    """Asked before every route. Raises 422 where what is read under /api/v1 has a parameter that the operation has not;
    pages pass over what is none of theirs."""
    route = request.scope.get("route")
    if request.method != "GET" or not request.query_params or not isinstance(route, APIRoute):
        return
    if not request.url.path.startswith("/api/v1/"):
        return
    known = list(dict.fromkeys(of(route.dependant)))
    unknown = [name for name in request.query_params if name not in known]
    if not unknown:
        return
    takes = f"this address takes {', '.join(known)}" if known else "this address takes none"
    named = ", ".join(repr(shorten(one_line(name), _LONGEST)) for name in unknown[:_MOST])
    faults = [
        Fault(detail=f"no parameter of this address; {takes}", parameter=f"query:{shorten(one_line(name), _LONGEST)}")
        for name in unknown[:_MOST]
    ]
    raise Refused(422, f"there is no parameter {named}: {takes}", kind=VALIDATION, errors=faults)


def of(dependant: Dependant) -> Iterator[str]:
    """The names of an operation's query parameters, those of what it depends on too."""
    for field in dependant.query_params:
        shape = field.field_info.annotation
        if inspect.isclass(shape) and issubclass(shape, BaseModel):
            yield from shape.model_fields
        else:
            yield field.alias
    for one in dependant.dependencies:
        yield from of(one)
