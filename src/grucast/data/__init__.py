"""Series in, windows out: sources, panels, frequencies and scaling, without torch."""

from grucast.data.examples import example as example

__all__ = ["example"]
