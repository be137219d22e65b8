"""Requests counted and timed, and the numbers of a monitor, each application's by itself.

Labels are methods, templates of addresses, statuses, stages, states and severities: nothing that anybody has written.
"""

from collections.abc import Iterator
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dashboard.live import Live
from api.fresh import Fresh
from api.wiring import Installation
from listener import clock
from listener.store import gauges
from listener.store.engine import in_words

log = structlog.get_logger()

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""

UNKNOWN = "(none)"
"""The address of what no route answers: else anybody could make up as many as they like."""

STREAM = "/api/v1/events"
"""How long somebody follows says nothing of how fast we are."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measures:
    """The numbers of one application. Safe to share between threads."""

    def __init__(self, installation: Installation, live: Live) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "escucha_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "escucha_http_request_seconds", "Time from a request to the end of its answer.", ("method", "route"),
            registry=self._registry, buckets=BUCKETS,
        )  # fmt: skip
        self._registry.register(_Stored(installation))
        self._registry.register(_Streams(live))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request more."""
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        if route != STREAM:
            self._seconds.labels(known, route).observe(seconds)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)


class _Stored(Collector):
    """What the database knows, read when somebody asks and not more often than every few seconds."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._known = Fresh(lambda: list(self._read()))

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._known()

    def _read(self) -> Iterator[Metric]:
        built = GaugeMetricFamily("escucha_build_info", "The version that runs.", labels=("version",))
        built.add_metric((version("escucha"),), 1)
        yield built
        up = GaugeMetricFamily("escucha_database_up", "Whether the database answers.")
        try:
            with self._installation.store.reading() as session:
                found = gauges.read(session, clock.now(), self._installation.channel_names)
        except SQLAlchemyError as error:
            log.warning("metrics_without_database", why=in_words(error))
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield up
        yield _family("escucha_backlog", f"What waits for a stage, {gauges.MOST:,} at most.", "stage", found.backlog)
        yield _family("escucha_oldest_seconds", "How long the oldest of a stage has waited.", "stage", found.oldest)
        yield _family("escucha_deliveries", "Deliveries that are not done.", "state", found.deliveries)
        yield _family("escucha_open_incidents", "Incidents that are not resolved.", "severity", found.incidents)


def _family(name: str, says: str, label: str, values: gauges.Numbers) -> Metric:
    family = GaugeMetricFamily(name, says, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


class _Streams(Collector):
    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("escucha_event_streams", "Event streams that are open.", self._live.followers)


class Measured:
    """Counts and times every request by the route that answers it."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = clock.monotonic(), 500

        async def heard(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, heard)
        finally:
            # The router leaves the route that it found in the scope.
            route = getattr(scope.get("route"), "path", None)
            if route is None:
                route = "/static" if scope["path"].startswith("/static/") else UNKNOWN
            self._measures.answered(scope["method"], route, status, clock.monotonic() - began)


def measures_of(app: FastAPI) -> Measures:
    """Those of this application."""
    found = app.state.measures
    assert isinstance(found, Measures)
    return found
