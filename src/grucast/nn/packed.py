"""Packed sequences for a layer that takes padded ones, in memory that the pack's own size bounds."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from grucast.nn.torch_ops import is_traced

Run = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]  # (T, B, I), (L * D, B, H), (B,) to output and states
MOST_PADDED = 4  # times the pack's own steps that rows and padding may come to
ALWAYS_PADDED = 1 << 22  # numbers, of inputs and states, that may be padded whatever the rows: more calls take longer


def run_packed(run: Run, data: Tensor, batch_sizes: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """Output, packed as data, and final states of a layer over a pack.

    Where it is worth it, rows of similar lengths are padded together: each has at least a quarter of the steps of the
    longest in its group.

    Args:
        run: The layer on padded rows, their states and lengths.
        data: The rows' steps, (N, I), as in a PackedSequence, sorted by length.
        batch_sizes: Rows that have each step, (T,).
        initial: Initial states, (L * D, B, H).
    """
    rows = initial.shape[1]
    padded = len(batch_sizes) * rows
    # What records the calls must hold for packs of other rows.
    if is_traced() or padded <= MOST_PADDED * len(data) or padded * (data.shape[1] + initial.shape[2]) <= ALWAYS_PADDED:
        return _run_padded(run, data, batch_sizes, initial)
    firsts = _groups(batch_sizes, rows)
    at = batch_sizes.device  # whatever the default device
    row = torch.arange(len(data), device=at) - torch.repeat_interleave(batch_sizes.cumsum(0) - batch_sizes, batch_sizes)
    group = torch.bucketize(row, torch.tensor(firsts[1:-1], device=at), right=True)
    order = torch.argsort(group, stable=True)
    parts = torch.split(data.index_select(0, order.to(data.device)), torch.bincount(group).tolist())
    results = []
    for part, first, last in zip(parts, firsts[:-1], firsts[1:], strict=True):
        sizes = batch_sizes.clamp(first, last) - first
        results.append(_run_padded(run, part, sizes[sizes > 0], initial[:, first:last]))
    outputs, finals = zip(*results, strict=True)
    return torch.cat(outputs).index_select(0, torch.argsort(order).to(data.device)), torch.cat(finals, 1)


def _run_padded(run: Run, data: Tensor, batch_sizes: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    padded, lengths = pad_packed_sequence(PackedSequence(data, batch_sizes))
    output, final = run(padded, initial, lengths.to(data.device))
    return pack_padded_sequence(output, lengths).data, final


def _groups(batch_sizes: Tensor, rows: int) -> list[int]:
    """The first row of each group, and the number of rows."""
    firsts = [0]
    while firsts[-1] < rows:
        longest = int((batch_sizes > firsts[-1]).sum())
        firsts.append(int(batch_sizes[(longest - 1) // MOST_PADDED]))
    return firsts
