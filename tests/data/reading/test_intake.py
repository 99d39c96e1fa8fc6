import polars as pl

from grucast.data.sources import take


def test_usual_names_are_no_guesses():
    assert take(pl.DataFrame({"id": "a", "date": ["2024-01-01", "2024-01-02"], "value": [1, 2]})).guesses == ()


def test_counters_are_no_guess_but_dates_in_integers_are():
    assert take(pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2, 3]})).guesses == ()
    assert (
        take(pl.DataFrame({"ds": [202411, 202412, 202501], "y": [1.0, 2, 3]})).guesses[0] == "time: ds (read as month)"
    )
