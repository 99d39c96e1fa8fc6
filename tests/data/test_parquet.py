import polars as pl
import pytest

from grucast.data.parquet import File, find_parquet, keys_of, read, refusing
from grucast.errors import DataError


@pytest.fixture
def shops(tmp_path):
    """A data set as Spark writes it: the names of the series are those of folders only."""
    for name in ("shop=007", "shop=north%20side", "shop=__HIVE_DEFAULT_PARTITION__"):
        folder = tmp_path / "k=5" / "shops" / name / "year=2024"
        folder.mkdir(parents=True)
        pl.DataFrame({"y": [1, 2]}).write_parquet(folder / "part 0.parquet")
    return tmp_path / "k=5" / "shops"


@pytest.mark.parametrize("source", ["in", "in/*.parquet", "in/a.parquet"])
def test_files_are_found_from_any_folder(tmp_path, monkeypatch, source):
    """Workers have folders of their own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    pl.DataFrame({"y": [1]}).write_parquet("in/a.parquet")
    assert find_parquet(source) == [File(str(tmp_path / "in" / "a.parquet"))]


def test_names_of_folders_below_the_source_are_columns_of_text(shops):
    rows = read(find_parquet(str(shops)))
    assert rows.columns == ["y", "shop", "year"]
    assert rows["shop"].to_list() == ["007"] * 2 + [None] * 2 + ["north side"] * 2
    assert rows["year"].unique().to_list() == ["2024"]


@pytest.mark.parametrize("glob", ["/**/*.parquet", "/shop=*/*/*.parquet", "/sh*/year=[0-9]*/part ?.parquet"])
def test_globs_find_the_same_columns(shops, monkeypatch, glob):
    wanted = read(find_parquet(str(shops)))
    assert read(find_parquet(f"{shops}{glob}")).equals(wanted)
    monkeypatch.chdir(shops)
    assert read(find_parquet(glob[1:])).equals(wanted)


def test_urls_of_globs_say_what_is_below_the_first_wildcard(monkeypatch):
    monkeypatch.setattr("grucast.data.parquet.stored", lambda _: ["s3://b/_raw/k=5/shop=1/a.parquet"])
    assert find_parquet("s3://b/_raw/k=5/*/*.parquet")[0].keys == (("shop", "1"),)
    assert find_parquet("s3://b/_raw/k=5/")[0].keys == (("shop", "1"),)
    assert find_parquet("s3://b/_raw/k=5/shop=1/a.parquet")[0].keys == ()


def test_a_column_of_the_file_comes_before_the_name_of_its_folder(tmp_path):
    (tmp_path / "year=2023").mkdir()
    pl.DataFrame({"year": [2024]}).write_parquet(tmp_path / "year=2023" / "a.parquet")
    assert read(find_parquet(str(tmp_path))).to_dicts() == [{"year": 2024}]


@pytest.mark.parametrize("name", [".grucast-0/a.parquet", "_temporary/a.parquet", "._a.parquet"])
def test_what_writers_keep_for_themselves_is_left_out(tmp_path, name):
    for path in (tmp_path / "b.parquet", tmp_path / name):
        path.parent.mkdir(exist_ok=True)
        pl.DataFrame({"y": [1]}).write_parquet(path)
    assert find_parquet(str(tmp_path)) == [File(str(tmp_path / "b.parquet"))]


def test_names_with_brackets_are_no_patterns(tmp_path):
    pl.DataFrame({"y": [1]}).write_parquet(tmp_path / "a[1]*.parquet")
    assert read(find_parquet(str(tmp_path)))["y"].to_list() == [1]


def test_first_rows_are_those_of_as_many_files_as_it_takes(shops):
    files = find_parquet(str(shops))
    for most in (1, 2, 3, 6, 9):
        assert read(files, most).equals(read(files).head(most))


def test_files_of_other_columns_are_refused(tmp_path):
    pl.DataFrame({"y": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"z": [1]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match="cannot be read"):
        read(find_parquet(str(tmp_path)))


def test_an_equals_sign_without_a_name_is_no_column():
    assert keys_of(["=5", "plain", "a=b=c"]) == (("a", "b=c"),)


def test_no_file_or_no_such_place_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet file"):
        find_parquet(str(tmp_path))
    with (
        pytest.raises(DataError, match="s3://nowhere/a and the files like it cannot be read"),
        refusing("s3://nowhere/a"),
    ):
        pl.scan_parquet(tmp_path / "a.parquet").collect()
