"""How a source is to be read, where it does not say so itself."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypedDict, Unpack, get_args

from grucast.errors import ConfigError

Aggregate = Literal["sum", "mean", "last"]
Names = str | Iterable[str] | None


class Options(TypedDict, total=False):
    """The options of `grucast.read`, which every verb takes."""

    id_col: Names
    time_col: Names
    target_col: str | None
    freq: str | None
    time_format: str | None
    time_zone: str | None
    decimal: str | None
    missing: Any
    skip_rows: int
    aggregate: str | None
    fill: float | None
    sheet: str | int | None
    wide: bool | None
    query: str | None


@dataclass(frozen=True)
class ReadOptions:
    """How a source is to be read; None leaves it to what the data show.

    Attributes:
        id_col: Columns that together name the series.
        time_col: Columns that together make the time stamp, such as a date and a clock.
        target_col: Column to forecast.
        freq: Step between time stamps, such as D, h, 15min, W-FRI or ME.
        time_format: How time stamps are written: a format of strptime, or a word such as "day first" or "week".
        time_zone: Zone of local time stamps, such as Europe/Berlin.
        decimal: Decimal mark of numbers, "." or ",".
        missing: What stands for a missing value besides the usual words; giving it turns off the search for codes.
        skip_rows: Lines above the header.
        aggregate: What becomes of rows with the same series and time: "sum", "mean" or "last".
        fill: The value of steps without a row.
        sheet: Sheet of a workbook.
        wide: Each column of numbers is a series, or each column named by a date a step.
        query: What to ask a database.

    Raises:
        ConfigError: An option has no meaning.
    """

    id_col: tuple[str, ...] = ()
    time_col: tuple[str, ...] = ()
    target_col: str | None = None
    freq: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    decimal: str | None = None
    missing: tuple[str, ...] = ()
    skip_rows: int = 0
    aggregate: str | None = None
    fill: float | None = None
    sheet: str | None = None
    wide: bool | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        for name in ("id_col", "time_col", "missing"):
            given = getattr(self, name)
            one = given is None or isinstance(given, str | bytes) or not isinstance(given, Iterable)
            values = () if given is None else (given,) if one else tuple(given)
            object.__setattr__(self, name, tuple(map(str, values)))
        for name, allowed in (("decimal", (".", ",")), ("aggregate", get_args(Aggregate)), ("wide", (True, False))):
            if getattr(self, name) not in (None, *allowed):
                raise ConfigError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {getattr(self, name)!r}")
        if isinstance(self.skip_rows, bool) or not isinstance(self.skip_rows, int) or self.skip_rows < 0:
            raise ConfigError(f"skip_rows must be a whole number of lines, not {self.skip_rows!r}")
        if self.fill is not None and not (isinstance(self.fill, int | float) and abs(self.fill) < float("inf")):
            raise ConfigError(f"fill must be a number, not {self.fill!r}")
        if self.sheet is not None:
            object.__setattr__(self, "sheet", str(self.sheet))
        if self.target_col is not None and not isinstance(self.target_col, str):
            raise ConfigError(f"target_col must be one column's name, not {self.target_col!r}")

    @classmethod
    def of(cls, **options: Unpack[Options]) -> "ReadOptions":
        """The options as users give them: one name or several.

        >>> ReadOptions.of(id_col="shop", missing=-999).missing
        ('-999',)
        """
        return cls(**options)  # type: ignore[arg-type]

    @property
    def given(self) -> dict[str, Any]:
        """Those that say something.

        >>> ReadOptions(id_col="shop", fill=0).given
        {'id_col': ('shop',), 'fill': 0}
        """
        default = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != default[name] or value is False}

    def filled(self, other: "ReadOptions") -> "ReadOptions":
        """These options, and another's where these say nothing.

        >>> ReadOptions(id_col="shop").filled(ReadOptions(id_col="store", fill=0)).given
        {'id_col': ('shop',), 'fill': 0}
        """
        return replace(self, **{name: value for name, value in other.given.items() if name not in self.given})
