"""Fuzz targets: whatever comes in, a GrucastError is all that may come out."""
