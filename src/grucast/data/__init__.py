"""Series in, windows out: sources, panels, frequencies and scaling, without torch."""
