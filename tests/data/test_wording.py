import numpy as np

from grucast.data.wording import count, show, show_day


def test_one_thing_is_no_several():
    assert (count(1, "row"), count(0, "row"), count(12000, "row")) == ("1 row", "0 rows", "12,000 rows")


def test_midnight_is_left_out_of_a_day():
    midnight, later = np.array(["2024-01-31", "2024-01-31T07:00"], "datetime64[us]")
    assert (show(midnight), show_day(midnight)) == ("2024-01-31 00:00:00", "2024-01-31")
    assert (show_day(later), show_day(np.int64(7))) == ("2024-01-31 07:00:00", "7")
