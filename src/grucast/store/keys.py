"""Names of series as a store writes them, and the numbers of updates."""

import json
from collections.abc import Mapping
from typing import Any

from grucast.data.observations import pick, read_id
from grucast.data.scalars import brief
from grucast.errors import DataError, SequenceError
from grucast.model.states import refuse_unwritable

LONGEST_NAME = 1000  # characters of a series' name as JSON; an index of PostgreSQL takes 2704 bytes
LARGEST_SEQUENCE = 2**63 - 1


def name_of(row: Any) -> str | int:
    """The name of a row's series."""
    pick(row, "ds"), pick(row, "y")
    return read_id(row.get("unique_id", "series"))


def key_of(name: str | int) -> str:
    """The name of a series as the store writes it: JSON in ASCII, so 1 is not "1"."""
    refuse_unwritable(read_id(name))
    key = json.dumps(name)
    if len(key) > LONGEST_NAME:
        raise DataError(f"unique_id = {brief(name)} is longer than the {LONGEST_NAME} characters that a store takes")
    return key


def check_sequence(sequence: Any) -> None:
    """A number of an update is a whole one that a database can hold."""
    if type(sequence) is not int or not 0 <= sequence <= LARGEST_SEQUENCE:
        raise DataError(f"sequence = {brief(sequence)} is no number of an update: give an integer from 0 to 2**63 - 1")


def repeated(sequence: int | None, heads: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Whether an update with this number is in the store already.

    Raises:
        SequenceError: Its number is older than that of one of its series, or only some of them had it.
    """
    if sequence is None:
        return False
    numbers = {key: head.sequence for key, head in heads.items() if head.sequence is not None}
    for key, last in numbers.items():
        if sequence < last:
            raise SequenceError(f"series {brief(keys[key])}: sequence {sequence} came after {last}: count upwards")
    same = [key for key, last in numbers.items() if sequence == last]
    if same and len(same) < len(keys):
        raise SequenceError(
            f"sequence {sequence} came before for {len(same)} of these {len(keys)} series: send the same"
        )
    return bool(same)
