"""The figure of a comparison of recurrent layers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from grucast.plotting.canvas import BLUE, GREY, SKY, VERMILION, WIDE, canvas
from grucast.plotting.forecasts import legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS: Any = {  # by whose kernels ran; lighter and darker in grey too
    "torch": {"color": "#DDDDDD", "label": "by torch"},
    "grucast.nn": {"color": SKY, "label": "by grucast under torch"},
    "grucast": {"color": BLUE, "label": "by grucast alone"},
}


def plot_comparison(comparison: Any, path: str | Path | None = None) -> "Figure":
    """Milliseconds of a training step, and next to them the error of each seed and their mean.

    Args:
        comparison: What `grucast.compare` returns.
        path: Picture to write: .png, .svg, .pdf ...; none when None.

    Raises:
        ConfigError: The path is not a picture's.
    """
    rows = comparison.rows
    with canvas(path, WIDE, 1.6 + 0.36 * len(rows)) as drawing:
        left, right = drawing.subplots(1, 2, sharey=True)
        draw_steps(left, rows)
        draw_errors(right, rows, comparison)
        left.set_yticks(range(len(rows)), [row.model for row in rows])
        left.invert_yaxis()
        for axes in (left, right):
            axes.grid(visible=False, axis="y")
            axes.tick_params(axis="y", length=0)
        legend(drawing, (left, right))
    return drawing


def draw_steps(axes: "Axes", rows: Any) -> None:
    """Milliseconds of a step as bars, with their numbers."""
    for place, row in enumerate(rows):
        look, milliseconds = LOOKS[row.kernels], 1000 * row.step_seconds
        axes.barh(place, milliseconds, 0.7, edgecolor=GREY, linewidth=0.5, **look)
        axes.annotate(
            three_digits(milliseconds),
            (milliseconds, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.margins(x=0.12)
    axes.set(title="Time of a training step", xlabel="milliseconds")


def draw_errors(axes: "Axes", rows: Any, comparison: Any) -> None:
    """Each seed's error as a dot on a line from the least to the largest, the mean as a diamond."""
    for place, row in enumerate(rows):
        look = {"color": LOOKS[row.kernels]["color"], "markeredgecolor": GREY, "markersize": 9}
        axes.plot([min(row.ranking), max(row.ranking)], [place, place], color=GREY, linewidth=1, zorder=2)
        axes.plot(row.error, place, "D", **look, zorder=3)
        axes.plot(row.ranking, [place] * len(row.ranking), "o", color="black", markersize=3, zorder=4)
    axes.margins(x=0.12)
    if comparison.simple:
        name, found = comparison.simple
        draw_simple(axes, name, found[comparison.measure])
    seeds = f"{comparison.seeds} seeds and their mean" if comparison.seeds > 1 else "one seed"
    axes.set(title=f"Test error: {seeds}", xlabel=comparison.measure)


def draw_simple(axes: "Axes", name: str, error: float) -> None:
    """The seasonal naive's error as a line, or an arrow to it where it would press the others together."""
    low, high = axes.get_xlim()
    if low - (high - low) < error < high + (high - low):
        axes.axvline(error, color=VERMILION, linestyle="--", linewidth=1.2, label=name)
        return
    side, where = ("right", 1.0) if error > high else ("left", 0.0)
    text = f"{name}: {three_digits(error)} " + ("→" if error > high else "←")
    axes.annotate(text, (where, 0), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
                  ha=side, fontsize=9, color=VERMILION)  # fmt: skip


def three_digits(number: float) -> str:
    """A time in three digits.

    >>> three_digits(3.1), three_digits(0.98449), three_digits(123.4)
    ('3.10', '0.984', '123')
    """
    return f"{number:#.3g}".rstrip(".")
