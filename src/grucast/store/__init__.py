"""Streams whose state is in a database: written before it is told, one writer per series."""

from grucast.store.alarms import Alarm
from grucast.store.database import Store, open_store
from grucast.store.stream import Held, Standing, StoredStream, StreamAnswer, Update

__all__ = ["Alarm", "Held", "Standing", "Store", "StoredStream", "StreamAnswer", "Update", "open_store"]
