import pytest

from grucast.data.reading.options import ReadOptions
from grucast.errors import ConfigError


def test_one_name_and_several_are_taken():
    assert ReadOptions.of(id_col="a", time_col=["d", "t"], missing=(-200, "?")).given == {
        "id_col": ("a",),
        "time_col": ("d", "t"),
        "missing": ("-200", "?"),
    }


def test_false_says_something():
    assert ReadOptions.of(wide=False).given == {"wide": False}


def test_options_go_before_those_that_were_learned():
    learned = ReadOptions.of(target_col="b", decimal=",", wide=True)
    assert ReadOptions.of(target_col="a").filled(learned).given == {"target_col": "a", "decimal": ",", "wide": True}


@pytest.mark.parametrize("wrong", [{"decimal": "'"}, {"fill": float("nan")}, {"skip_rows": True}, {"target_col": 3}])
def test_what_has_no_meaning_is_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ReadOptions.of(**wrong)


def test_a_sheet_is_named_by_its_number_too():
    assert ReadOptions.of(sheet=2).given == {"sheet": "2"}
