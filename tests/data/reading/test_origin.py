import pytest

from grucast.data.reading.origin import Origin


@pytest.mark.parametrize(("index", "wanted"), [(0, "row 1 of a"), (10, "row 1 of b"), (99, "row 80 of c")])
def test_rows_are_counted_from_one_in_their_file(index, wanted):
    assert Origin(("a", "b", "c"), (0, 10, 20)).row(index) == wanted


def test_several_files_are_named_in_short():
    assert (Origin(("a",)).name, Origin(("a", "b", "c"), (0, 1, 2)).name) == ("a", "a and 2 more")
