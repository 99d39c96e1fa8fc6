"""Streams whose state is in a database: written before it is told, one writer per series."""

from grucast.store.database import Store, open_store
from grucast.store.stream import Alarm, StoredStream, StreamAnswer

__all__ = ["Alarm", "Store", "StoredStream", "StreamAnswer", "open_store"]
