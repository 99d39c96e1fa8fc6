"""A cluster of Ray: what is found at an address, joined, and known of it."""

import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from grucast.errors import ClusterWarning, ConfigError

PATIENCE = 5  # seconds for an answer
JOIN = "run ray start here, too, with the same Ray and Python; set RAY_AUTH_MODE=token if it asks for a token"
WHERE = "run this on a machine of the cluster, itself or by ray job submit"
ONE_CORE: dict[str, Any] = {
    "num_cpus": 1,
    "runtime_env": {"env_vars": {"POLARS_MAX_THREADS": "1"}},
}  # Ray counts others


def join(address: str | None, cores_here: int | None) -> None:
    """Find the cluster, or start one on this machine with so many cores, unless one was joined before.

    Raises:
        ConfigError: There is none at the address, or one that cannot be joined.
    """
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if address:
        require_listener(address)
    else:
        options |= {"num_cpus": cores_here, "include_dashboard": False}
    try:
        with keeping_sigterm():
            ray.init(address or "local", **options)  # None would join whatever cluster this machine runs
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise ConfigError(f"cannot join a cluster of Ray at {address or 'here'}: {error}: {JOIN}") from error
    if address and not cores(ray.available_resources, 0):
        warnings.warn("no core of the cluster is free: the work waits until one is", ClusterWarning, stacklevel=2)


def require_listener(address: str) -> None:
    """Refuse what is no address, and one where nobody listens, which Ray would ask for a minute and a half."""
    given = os.environ.get("RAY_ADDRESS", "auto") if address == "auto" else address
    if given == "auto":
        return
    host, _, port = given.rpartition(":")
    if "://" in given or not host or not port.isdecimal():
        raise ConfigError(f"an address is auto or HOST:PORT of the head, not {given}: {WHERE}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"no cluster of Ray answers at {given} ({error}): start one by ray start --head") from error


@contextmanager
def keeping_sigterm() -> Iterator[None]:
    """Keep what answers SIGTERM, for which Ray has an answer of its own that ends this process without its work."""
    usual = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if usual is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, usual)


def cores(resources: Any = ray.cluster_resources, least: int = 1) -> int:
    """Those that the cluster has now."""
    return max(int(resources().get("CPU", least)), least)


def own_address() -> str:
    """The address of this machine in the cluster."""
    util: Any = ray.util  # it has no types
    return str(util.get_node_ip_address())
