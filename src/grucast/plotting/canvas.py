"""What all figures share: colours, style, axes of time, and how they are written."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grucast.errors import ConfigError, MissingExtraError
from grucast.model.writing import is_device, write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, told apart with any colour vision; lines differ in style too.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#555555"
PURPLE, SKY = "#CC79A7", "#56B4E9"
LOOKS: Any = [  # of the models besides the GRU
    {"color": ORANGE, "linestyle": "--", "linewidth": 1.2},
    {"color": GREEN, "linestyle": "-.", "linewidth": 1.2},
    {"color": VERMILION, "linestyle": ":", "linewidth": 1.6},
    {"color": PURPLE, "linestyle": (0, (6, 2)), "linewidth": 1.2},
    {"color": SKY, "linestyle": (0, (3, 1, 1, 1)), "linewidth": 1.2},
]
OURS: Any = {"color": BLUE, "linewidth": 1.8}
SIZE = (6.0, 4.0)  # inches
WIDE = 8.0  # inches, for time
FEW_DAYS = 5  # up to which an axis of time counts hours
SIGNED = (
    "#2D1160",
    "#8073AC",
    "#F7F7F7",
    "#FDB863",
    "#E66101",
)  # negative to positive, which in grey is lighter
SHARE = "cividis"  # colours of what lies between 0 and 1
NOTHING = "#DDDDDD"  # where there is no value
PICTURES = (".png", ".svg", ".pdf", ".jpg", ".webp")
STYLE: Any = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "grid.alpha": 0.5,
    "grid.color": "#CCCCCC",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "savefig.dpi": 150,
    "text.parse_math": False,  # a name may hold $
    "text.usetex": False,
}
# Fonts with the letters that matplotlib's own lacks, wherever they are installed.
FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "Arial Unicode MS",
)


@contextmanager
def figure(
    path: str | Path | None,
    rows: int = 1,
    height: float = SIZE[1],
    width: float = SIZE[0],
    ax: "Axes | None" = None,
) -> Iterator[tuple["Figure", list["Axes"]]]:
    """A figure with `rows` axes under each other, or that of `ax`; saved to the path when the block ends well."""
    with canvas(path, width, height, ax) as drawing:
        yield drawing, [dressed(ax)] if ax else list(drawing.subplots(rows, squeeze=False)[:, 0])


@contextmanager
def canvas(path: str | Path | None, width: float, height: float, ax: "Axes | None" = None) -> Iterator["Figure"]:
    """As `figure`, without axes yet."""
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if path is not None:
        require_picture(path)
    with rc_context({**STYLE, "font.family": ["DejaVu Sans", *further_fonts()]}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # drawn as boxes
        drawing: Any = ax.figure.figure if ax else Figure(figsize=(width, height), layout="constrained")
        yield drawing
        if path is not None:
            save(drawing, path)


def dressed(ax: "Axes") -> "Axes":
    """Axes from elsewhere with the style of our own."""
    ax.spines[["right", "top"]].set_visible(False)
    ax.grid(visible=True, color=STYLE["grid.color"], alpha=STYLE["grid.alpha"])
    ax.set_axisbelow(True)
    return ax


def save(drawing: "Figure", path: str | Path) -> None:
    """Write a figure as the suffix of the path says; as PNG into a device."""
    content = BytesIO()
    drawing.savefig(content, format=Path(path).suffix[1:].lower() or "png")
    write_whole(path, content.getvalue())


def further_fonts() -> list[str]:
    """Those of FONTS that are installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in FONTS if name in installed]


def require_matplotlib() -> None:
    """Refuse, before any work, to draw where nothing can.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import_module("matplotlib.figure")
    except ImportError as error:
        raise MissingExtraError("matplotlib (to draw)", "plot") from error


def require_picture(path: str | Path) -> None:
    """Refuse a name that does not end like a picture's."""
    if Path(path).suffix.lower() not in PICTURES and not is_device(Path(path)):
        raise ConfigError(f"{path} is not a picture's name: end it with one of {', '.join(PICTURES)}")


def whole_numbers(axes: "Axes", numbers: Any) -> None:
    """Write whole numbers as they are, and one alone."""
    axes.ticklabel_format(axis="x", style="plain", useOffset=False)
    if len(numbers) == 1:
        axes.set_xticks(numbers)
    else:
        axes.locator_params(axis="x", integer=True)


def plain_logarithms(axes: "Axes") -> None:
    """Write 1, 2 and 5 of each power of ten on the logarithmic scale of what is drawn, each digit of a single one."""
    from matplotlib.ticker import LogLocator

    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 10 * low else range(1, 10)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_formatter("")


def time_axis(axes: "Axes", times: Any) -> None:
    """Write time stamps without repeating what they share, and integers as they are."""
    axes.margins(x=0.01)
    if times.dtype.kind != "M":
        whole_numbers(axes, times)
        return
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    # with fewer ticks some spans have no interval, and matplotlib warns; multiples of days begin anew each month
    low, high = axes.get_xlim()
    locator = AutoDateLocator(maxticks=11, interval_multiples=high - low < FEW_DAYS)  # type: ignore[no-untyped-call]
    formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    formatter.formats[1:4] = "%b\n%Y", "%d %b\n%Y", "%H:%M\n%d %b"
    formatter.zero_formats[1:4] = formatter.formats[1:4]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def signed_colours() -> Any:
    """The map of what is negative or positive, white at 0."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", SIGNED)
