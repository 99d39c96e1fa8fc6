import narwhals as nw
import pandas as pd

from grucast.data.table import Table


def test_columns_are_found_by_name_and_a_table_is_its_own():
    frame = pd.DataFrame({"y": [1.0], "load": [2], "ds": [3], "unique_id": ["a"]})
    table = Table.of(frame)
    assert [table.ids[0], table.ds[0], table.y[0]] == ["a", 3, 1.0]
    assert Table.of(table) is table
    assert Table.of(nw.from_native(frame)).frame.columns == list(frame.columns)
