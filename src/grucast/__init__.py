"""Forecast with GRUs at the speed of your CPU."""
