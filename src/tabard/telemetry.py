"""Logs and metrics. A log line is an action (`noun.verb`) and its facts; nobody logs codes, PINs, tokens or texts."""

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

_requests = Histogram(
    "tabard_request_seconds",
    "Time to answer a request",
    ("dialect", "operation", "status"),
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
_steps = Counter("tabard_reconcile_steps", "Steps of senders' lives", ("outcome",), registry=REGISTRY)
_stuck = Counter("tabard_senders_stuck", "Senders the watchdog found resting too long", registry=REGISTRY)
_due = Gauge(
    "tabard_oldest_due_seconds", "How long the oldest due row of a lane has waited", ("lane",), registry=REGISTRY
)

_deliveries = Histogram(
    "tabard_delivery_seconds",
    "Time that one attempt to deliver took",
    ("dialect", "outcome"),
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)

log: structlog.stdlib.BoundLogger = structlog.get_logger("tabard")


def observe_request(dialect: str, operation: str, status: int, seconds: float) -> None:
    _requests.labels(dialect, operation, str(status)).observe(seconds)


def observe_delivery(dialect: str, outcome: str, seconds: float) -> None:
    _deliveries.labels(dialect, outcome).observe(seconds)


def count_step(outcome: str) -> None:
    _steps.labels(outcome).inc()


def count_stuck(senders: int) -> None:
    _stuck.inc(senders)


def observe_due(lane: str, seconds: float) -> None:
    _due.labels(lane).set(max(0.0, seconds))


def metrics_page() -> bytes:
    return generate_latest(REGISTRY)


def configure_logs(*, json: bool, level: str) -> None:
    """Log to standard error: one JSON object a line, or words for a person at a terminal."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        # The formatter that structlog would choose shows the local variables of every frame: PINs, codes and tokens.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if json:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
