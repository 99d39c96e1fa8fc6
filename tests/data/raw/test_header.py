import pytest

from grucast.data.raw.header import find_header, shape

SHAPES = {
    "0": [
        "5",
        "-3.5",
        "1,234.5",
        "1.234,5",
        "18\u00a0831,8",
        "18\u202f831",
        "$655",
        "($1,001)",
        "-3.6%",
        "1e-5",
        ".5",
        "3 €",
    ],
    "a": ["day", "Umsätze", "Суббота", "#Guests", "true"],
    "0-0-0": ["2024-01-01", "1-1-24"],
    "0.0.0": ["06.00.00", "19.02.2018"],
    "a-0": ["Oct-18"],
    "a 0, 0": ["Apr 09, 2018"],
    "0a0": ["2014Q3"],
    None: ["", "NA", "n/a", "NaN", "?", "-", "..."],
}


@pytest.mark.parametrize(("wanted", "cell"), [(wanted, cell) for wanted, cells in SHAPES.items() for cell in cells])
def test_cells_that_look_alike_have_one_shape(wanted, cell):
    assert shape(cell) == wanted


def test_words_alone_have_their_header_first():
    layout = find_header([[], ["name", "town"], ["Abel", "Leer"], ["Brandt", "Emden"]], 2)
    assert (layout.header, layout.first) == (1, 2)
    assert layout.shapes == (frozenset(), frozenset())
