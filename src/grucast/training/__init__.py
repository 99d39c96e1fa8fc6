"""Fitting a network's weights with torch."""
