"""Numbers for a monitor, in Prometheus' text format. They name no brand, person, source or channel."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.measuring import measures_of

router = APIRouter(tags=["health"])

EXAMPLE = 'escucha_backlog{stage="scoring"} 12.0\nescucha_open_incidents{severity="critical"} 1.0\n'


@router.get(
    "/metrics",
    summary="Metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": EXAMPLE}}}},
)
def metrics(request: Request) -> Response:
    """Requests by route, what waits for each stage, deliveries, open incidents, open event streams. Public, as
    monitors expect it; what is private is not in it."""
    return Response(measures_of(request.app).text(), media_type=CONTENT_TYPE_LATEST)
