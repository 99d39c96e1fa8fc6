"""Where series come from: files, databases and data frames, brought to the columns unique_id, ds, y."""

import warnings
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np

from grucast.data.covariates import Covariates
from grucast.data.frequency import Frequency
from grucast.data.panel import NONE, Panel, make_panel
from grucast.data.reading.intake import DEFAULT, Cells, Intake
from grucast.data.reading.options import Names, ReadOptions
from grucast.data.reading.origin import Origin
from grucast.data.rows import counts, is_plain
from grucast.data.table import COLUMNS, Table
from grucast.data.wording import count
from grucast.errors import ConfigError, DataError, DataWarning, TimeStampError

if TYPE_CHECKING:
    from grucast.data.raw import RawTable

MIXED = ";,"  # separators of several files, which say nothing of the decimal mark
FEWEST_FOR_STEP = 3  # rows of a series that show a frequency


def read(  # noqa: PLR0913 - each is an option of the command line, too
    source: Any,
    id_col: Names = None,
    time_col: Names = None,
    target_col: str | None = None,
    *,
    freq: str | None = None,
    time_format: str | None = None,
    time_zone: str | None = None,
    decimal: str | None = None,
    missing: Any = (),
    skip_rows: int = 0,
    aggregate: str | None = None,
    fill: float | None = None,
    sheet: str | int | None = None,
    wide: bool | None = None,
    query: str | None = None,
) -> Any:
    """Read series into a frame with the columns `unique_id`, `ds`, `y` and the others after them.

    Columns that are not named are found by their usual names or by what they hold; what nothing decides is refused, and
    the message names the readings and the option that chooses.

    Args:
        source: Path, glob or URL of files (CSV of any kind, Excel, OpenDocument, JSON, Parquet, Arrow; also packed), a
            database's URL, `-` for standard input; a pandas or polars frame or series, an Arrow table, a DuckDB
            relation, a dictionary of columns. Rows of several files follow each other.
        id_col: Column that names the series, or several that do together. Without one, all rows are one series.
        time_col: Column of time stamps, or several that make them together, such as a date and a clock.
        target_col: Column to forecast.
        freq: Step between time stamps, such as D, h, 15min, B, W-FRI or ME; others are refused.
        time_format: How time stamps are written: a format such as "%d.%m.%Y", or "day first", "month first", "week" ...
        time_zone: Zone of local time stamps, such as Europe/Berlin.
        decimal: Decimal mark of numbers, "." or ",".
        missing: What stands for a missing value besides the usual words, such as (-200, "?").
        skip_rows: Lines above the header.
        aggregate: What becomes of rows with the same series and time: "sum", "mean" or "last".
        fill: The value of steps without a row.
        sheet: Sheet of a workbook.
        wide: Each column of numbers is a series, or each column named by a date a step.
        query: What to ask a database.

    Returns:
        A frame of the kind that came in (polars for files); `y` is float64, missing values are null or NaN.

    Raises:
        DataError: The source cannot be read, a column must be named, or a value cannot be used.
        ConfigError: An option has no meaning.

    >>> import polars as pl
    >>> from grucast import read
    >>> read(pl.DataFrame({"day": ["19.02.2018", "20.02.2018"], "sold": [3.0, 4.5]})).columns
    ['unique_id', 'ds', 'y']
    """
    asked = locals()
    options = ReadOptions.of(**{name: value for name, value in asked.items() if name != "source"})
    intake = take(source, options)
    refuse_wrong_stamps(intake)
    for doubt in intake.doubts:
        warnings.warn(doubt, DataWarning, stacklevel=2)
    return intake.table.frame.clone().to_native()


def take(source: Any, options: ReadOptions = DEFAULT) -> Intake:
    """Series of any source as they were understood.

    Raises:
        DataError, ConfigError: As `read`.
    """
    if isinstance(source, Intake):
        return source
    tidy = None if isinstance(source, str | Path) or options != DEFAULT else take_tidy(source)
    return tidy or repaired(take_in(cells_of(source, options), options))


def take_again(
    source: Any, learned: ReadOptions, options: ReadOptions = DEFAULT, texts: Collection[str] = ()
) -> Intake:
    """Series of a source like one that was read before, as that was read; options go before what was learned.

    Cells of the columns `texts` stay as they are written.

    Raises:
        DataError, ConfigError: As `read`.
    """
    if isinstance(source, Intake):
        return source
    tidy = None if isinstance(source, str | Path) or options != DEFAULT else take_tidy(source)
    if tidy:
        return tidy
    learned = replace(learned, freq=None)  # the model has it
    cells = cells_again(source, learned, options)._replace(texts=texts)
    return repaired(take_in(cells, known_columns(options.filled(learned), cells.frame.columns)))


def cells_again(source: Any, learned: ReadOptions, options: ReadOptions) -> Cells:
    """The cells of a source like one that was read before; a sheet or query learned there may have no meaning here."""
    if not isinstance(source, str | Path):
        return cells_of(source, options)
    whole = options.filled(learned)
    try:
        return read_cells(str(source), whole)
    except ConfigError:
        return read_cells(str(source), replace(whole, sheet=options.sheet, query=options.query))


def known_columns(options: ReadOptions, columns: list[str]) -> ReadOptions:
    """The options without names that no column has: a learned name need not be there."""
    here = set(columns)
    target = options.target_col if options.target_col in here else None
    time = options.time_col if here.issuperset(options.time_col) else ()
    return replace(
        options, id_col=options.id_col if here.issuperset(options.id_col) else (), time_col=time, target_col=target
    )


def cells_of(source: Any, options: ReadOptions = DEFAULT) -> Cells:
    """The cells of any source; of a workbook, those of the one sheet that holds series."""
    if isinstance(source, str | Path):
        return read_cells(str(source), options)
    if options.sheet is not None or options.query is not None or options.skip_rows:
        raise ConfigError("sheet, query and skip_rows are for files and databases, not for a frame")
    from grucast.data.reading.frames import to_frame

    return Cells(to_frame(source), Origin(("the frame",)))


def take_in(cells: Cells, options: ReadOptions) -> Intake:
    """As `intake.take_in`, which is imported once it is needed: a tidy frame needs none of it."""
    from grucast.data.reading.tables import take_in

    return take_in(cells, options)


def take_tidy(source: Any) -> Intake | None:
    """A frame whose columns are the standard ones in their types, in a fraction of the time; None for others."""
    try:
        frame = nw.from_native(nw.to_native(source, pass_through=True), eager_only=True)
    except (TypeError, nw.exceptions.NarwhalsError):
        return None
    if frame.columns[:3] != list(COLUMNS) or frame.is_empty() or frame.implementation.is_pyarrow():
        return None
    if not all(isinstance(name, str) for name in frame.columns):
        return None
    ids, ds, y = (frame.get_column(name) for name in COLUMNS)
    typed = ids.dtype in (nw.String, nw.Int64, nw.Categorical) and y.dtype == nw.Float64
    if not typed or ids.null_count() or ds.null_count() or not is_plain(y.to_numpy()):
        return None
    stepped = ds.dtype in (nw.Int64, nw.Int32) and counts(ds.to_numpy())
    return Intake(Table(frame, ids, ds, y)) if stepped or ds.dtype in (nw.Date, nw.Datetime) else None


def read_cells(source: str, options: ReadOptions) -> Cells:
    """The cells of files, a URL or a database; of a workbook, those of the one sheet that holds series."""
    from grucast.data.raw import read_raw

    files = read_raw(source, skip_rows=options.skip_rows, sheet=options.sheet, query=options.query)
    if len(files) > 1 or len(files[0]) == 1:
        return joined([alternatives[0] for alternatives in files])
    return pick_sheet(source, [joined([sheet]) for sheet in files[0]], options)


def pick_sheet(source: str, sheets: list[Cells], options: ReadOptions) -> Cells:
    """The one sheet that holds series; the first if none does, so that it is said why not.

    Raises:
        DataError: Several do.
    """
    holding = [cells for cells in sheets if holds_series(cells, options)]
    if len(holding) > 1:
        names = ", ".join(cells.origin.name.removeprefix(source).partition("sheet ")[2].strip("'") for cells in holding)
        raise DataError(f"{source} has {len(holding)} sheets that hold series, {names}: name one with sheet= (--sheet)")
    cells = (holding or sheets)[0]
    return cells._replace(notes=(f"sheet: {cells.origin.name}", *cells.notes))


def holds_series(cells: Cells, options: ReadOptions) -> bool:
    """Whether a sheet can be read, or could if its columns were named."""
    from grucast.data.reading.roles import find_time
    from grucast.data.reading.tables import look_at_all

    try:
        take_in(cells, options)
    except DataError:
        looks = look_at_all(cells.frame, options)
        time = find_time(looks, alone=False).columns
        return bool(time) and any(look.numeric for name, look in looks.items() if name not in time)
    return True


def joined(files: "list[RawTable]") -> Cells:
    """The rows of all files, one after the other.

    Raises:
        DataError: A column is of another type in another file.
    """
    import polars as pl

    starts = np.cumsum([0, *(len(raw.frame) for raw in files)])[:-1].tolist()
    first = files[0]
    for raw in files[1:]:
        differ = [name for name, dtype in first.frame.schema.items() if raw.frame.schema.get(name, dtype) != dtype]
        if differ:
            one, other = (
                f"{first.frame.schema[differ[0]]} in {first.name}",
                f"{raw.frame.schema[differ[0]]} in {raw.name}",
            )
            raise DataError(f"column {differ[0]} is {one} but {other}: write it the same way in all files")
    frame = pl.concat([raw.frame for raw in files], how="diagonal_relaxed") if len(files) > 1 else first.frame
    origin = Origin(tuple(raw.name for raw in files), tuple(starts))
    twins = tuple(name for raw in files for name in raw.twins)
    notes = tuple(dict.fromkeys(note for raw in files for note in raw.notes))
    separators = {raw.separator for raw in files}
    separator = first.separator if len(separators) == 1 else MIXED
    return Cells(nw.from_native(frame, eager_only=True), origin, separator, twins, notes)


def repaired(intake: Intake) -> Intake:
    """Series put right as the options say, and seen to have the step that they state."""
    from grucast.data.reading.repairs import aggregate_rows, fill_steps

    options, table, notes = intake.options, intake.table, list(intake.notes)
    if options.aggregate:
        table, rows = aggregate_rows(table, options.aggregate)
        notes.append(f"{count(rows, 'row')} put together with others of the same series and time ({options.aggregate})")
    frequency = stated(options)
    if options.fill is not None:
        table, rows = fill_steps(table, options.fill, frequency)
        notes.append(f"{count(rows, 'step')} without a row filled with {options.fill:g}")
    done = intake._replace(table=table, notes=tuple(notes))
    if frequency:
        to_panel(done)
    return done


def to_panel(intake: Intake, covariates: Covariates = NONE) -> Panel:
    """Put series on the grid of the step that the user stated, or that they show.

    Raises:
        DataError: As `make_panel`.
    """
    return make_panel(intake.table, stated(intake.options), covariates, any_gaps=bool(intake.options.freq))


def stated(options: ReadOptions) -> Frequency | None:
    """The frequency that the user states."""
    if not options.freq:
        return None
    from grucast.data.aliases import parse_frequency

    return parse_frequency(options.freq)


def refuse_wrong_stamps(intake: Intake) -> None:
    """Refuse a time stamp that a series has twice, or that is off a step which the others keep.

    Series too short or too irregular to show a step are read all the same: it is for those who forecast to refuse them.
    """
    if len(intake.table.y) < FEWEST_FOR_STEP:
        return
    try:
        to_panel(intake)
    except TimeStampError:
        raise
    except DataError:
        return
