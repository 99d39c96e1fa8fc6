import numpy as np

from grucast.data.wording import count, show, show_day, show_local


def test_one_thing_is_no_several():
    assert (count(1, "row"), count(0, "row"), count(12000, "row")) == ("1 row", "0 rows", "12,000 rows")


def test_midnight_is_left_out_of_a_day():
    midnight, later = np.array(["2024-01-31", "2024-01-31T07:00"], "datetime64[us]")
    assert (show(midnight), show_day(midnight)) == ("2024-01-31 00:00:00", "2024-01-31")
    assert (show_day(later), show_day(np.int64(7))) == ("2024-01-31 07:00:00", "7")


def test_time_is_shown_as_the_clocks_of_its_zone_do():
    noon = np.datetime64("2024-07-01T12:00", "us")
    assert show_local(noon, "Europe/Berlin") == "2024-07-01 14:00:00"
    assert show_local(noon, None) == show_local(noon, "UTC") == "2024-07-01 12:00:00"
    assert show_local(np.int64(7), None) == "7"
