import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast.data.reading.options import ReadOptions
from grucast.data.sources import take
from grucast.errors import DataError


def frame(**columns):
    return pl.DataFrame({"day": [f"{day:02}.01.2024" for day in range(1, 29)], **columns})


def test_notes_say_what_was_taken_for_what():
    intake = take(frame(sold=[k * 3 % 7 for k in range(28)]))
    assert intake.notes == ("time: day (read as day first as 13.01.2024 shows)", "series: one", "target: sold")
    assert intake.guesses == intake.notes


def test_what_was_learned_has_the_names_and_ways_of_writing():
    learned = take(frame(sold=["1,5"] * 28)).options
    assert learned.given == {"time_col": ("day",), "target_col": "sold", "time_format": "day first", "decimal": ","}


def test_text_in_which_most_cells_are_numbers_is_doubted():
    doubts = take(
        frame(sold=range(5, 33), price=[*map(str, range(27)), "closed"]), ReadOptions.of(target_col="sold")
    ).doubts
    assert doubts == ("price: text in which most cells are numbers; as a covariate it would be categories",)


@pytest.mark.parametrize("name", [[1], {"a": 1}, np.array([1])], ids=str)
def test_objects_that_can_name_nothing_are_refused(name):
    rows = pd.DataFrame({"shop": pd.Series([name] * 3, dtype=object), "ds": [1, 2, 3], "y": 1.0})
    with pytest.raises(DataError, match="column shop of the frame holds object: give text or integers as ids"):
        take(rows, ReadOptions.of(id_col="shop"))


def test_a_row_without_a_series_is_named():
    rows = pl.DataFrame({"shop": ["a", None], "ds": [1, 2], "y": [1.0, 2]})
    with pytest.raises(DataError, match="row 2 of the frame has no shop"):
        take(rows, ReadOptions.of(id_col="shop"))
