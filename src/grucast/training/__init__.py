"""Fitting a network's weights: arrays and kernels, nothing else."""
