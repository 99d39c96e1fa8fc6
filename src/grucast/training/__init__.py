"""Fitting a network's weights with torch."""

import grucast.nn  # noqa: F401 - names the extra to install where torch is missing
