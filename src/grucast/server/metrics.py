"""What is counted, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
REQUESTS = Counter("grucast_requests", "Requests by route and status", ["route", "status"], registry=REGISTRY)
LATENCY = Histogram("grucast_request_seconds", "Time to answer", ["route"], buckets=SECONDS, registry=REGISTRY)
BATCH = Histogram(
    "grucast_batch_requests", "Requests forecast at once", buckets=(1, 2, 4, 8, 16, 32, 64, 128), registry=REGISTRY
)
WAITING = Gauge("grucast_waiting_requests", "Requests that wait for a model", ["model"], registry=REGISTRY)
RELOADS = Counter("grucast_model_reloads", "Changed model files by their fate", ["model", "result"], registry=REGISTRY)
OBSERVATIONS = Counter("grucast_stream_observations", "Observations that were stored", ["model"], registry=REGISTRY)
ALARMS = Counter("grucast_stream_alarms", "Observations outside their intervals", ["model"], registry=REGISTRY)


def exposition() -> bytes:
    """All of it as Prometheus reads it."""
    return generate_latest(REGISTRY)
