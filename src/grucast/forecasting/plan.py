"""Decide, from the data and what the user gave, the seasons, the window and what is held out."""

from dataclasses import dataclass, replace

from grucast.data.checks.seasonality import seasons_to_use
from grucast.data.encoding import Schema
from grucast.data.fingerprint import trained_on
from grucast.data.outline import Outline
from grucast.data.panel import Panel
from grucast.data.reading.options import ReadOptions
from grucast.errors import ConfigError, DataError
from grucast.model.config import NetworkConfig, TrainingConfig
from grucast.model.models import ForecastModel

HELD_OUT_SHARE = 0.1
HELD_OUT_HORIZONS = 7
MOST_CELLS = 350_000  # steps of a window times windows of a batch: about half a second and 1.5 GB a training step
LARGEST_BATCH = 256
FEW = 4  # steps of a patch where a season is none
LONGEST_PATCH = 48
SEASONS_TO_PATCH = 32  # that the longest series has
USUAL = NetworkConfig()
FEWEST_PATCHES = 4  # of a window
COARSE = ("month", "business_month", "half_month")


@dataclass(frozen=True)
class Plan:
    """What a forecaster decides before it is trained.

    Attributes:
        input_size: Steps of history, a multiple of the network's patch_size.
        network: Shape of the network.
        seasons: Seasonal periods, shortest first.
        held_out: Last steps of each series held out for validation.
        notes: What was chosen otherwise than the data ask for, in sentences.
    """

    input_size: int
    network: NetworkConfig
    seasons: tuple[int, ...]
    held_out: int
    notes: tuple[str, ...] = ()


def make_plan(
    panel: Panel | Outline,
    h: int,
    input_size: int | None,
    season_length: int | None,
    val_size: int | None,
    network: NetworkConfig = USUAL,
) -> Plan:
    """Choose what was not given.

    The window is two of the longest seasons, four of the shortest or four horizons, whichever is most, but at most half
    of what the longest series has before its last horizon, so that there are windows to learn from. Shorter series show
    what they have. A window that would make training slow is cut, and the seasons that it then does not hold are left
    out. Of a window of patches the steps before the first whole one are left out.

    Raises:
        ConfigError: The given window holds no whole number of the given patches.
        DataError: No series is longer than the horizon.
    """
    seasons = candidate_seasons(panel, season_length)
    longest = int(panel.lengths.max())
    room = longest - h
    if room < 1:
        raise DataError(
            f"the longest series has {longest} steps; h = {h} needs at least {h + 1}: give longer series or a smaller h"
        )
    season = min(seasons)
    wanted = input_size or min(max(2 * max(seasons), 4 * season, 4 * h), max(room // 2, season), longest)
    window = input_size or affordable(wanted, season, panel)
    if val_size is not None and not 0 <= val_size < room:
        raise ConfigError(f"val_size must be from 0 up to, but not, {room}, not {val_size}")
    held_out = default_held_out(room - window, h) if val_size is None else val_size
    notes = () if window == wanted else (describe_cut(wanted, window),)
    shape = choose_network(network, season, window, input_size is not None, panel)
    patch = shape.patch_size or 1
    if input_size and input_size % patch:
        raise ConfigError(f"input_size {input_size} holds no whole number of patches: give a multiple of {patch}")
    window = max(window - window % patch, patch)
    return Plan(window, shape, tuple(s for s in seasons if s <= window) or (1,), held_out, notes)


def choose_network(
    network: NetworkConfig, season: int, window: int, is_given: bool, panel: Panel | Outline
) -> NetworkConfig:
    """The given shape, with patches of a season, or else of a few steps, where that says nothing of them.

    A season is a patch if it is short and the longest series has many; a year of months or half months is none. The
    window holds some patches, and none in part if it is given.
    """
    if network.patch_size is not None:
        return network
    short = FEW < season <= LONGEST_PATCH and panel.frequency.kind not in COARSE
    many = panel.lengths.max() >= SEASONS_TO_PATCH * season
    sizes = (season, FEW) if short and many else (FEW,)
    fits = (size for size in sizes if window >= FEWEST_PATCHES * size and not (is_given and window % size))
    return replace(network, patch_size=next(fits, 1))


def untrained(
    panel: Panel | Outline,
    plan: Plan,
    h: int,
    level: tuple[float, ...],
    schema: Schema,
    training: TrainingConfig,
    reading: ReadOptions,
) -> ForecastModel:
    """The model that is to be trained on a panel: all but the weights."""
    return ForecastModel(
        h,
        plan.input_size,
        plan.seasons,
        level,
        panel.frequency,
        nonnegative=panel.nonnegative,
        factors=(1.0,) * len(level),
        network=plan.network,
        weights={},
        schema=schema,
        members=training.ensemble,
        smoothed=True,
        training=training,
        trained_on=panel.trained_on if isinstance(panel, Outline) else trained_on(panel),
        reading=reading,
    )


def affordable(wanted: int, season: int, panel: Panel | Outline) -> int:
    """The window, or as many whole seasons as a training step can bear."""
    if wanted * LARGEST_BATCH <= MOST_CELLS:
        return wanted
    from grucast.training.task import default_batch_size

    most = MOST_CELLS // default_batch_size(panel)
    return wanted if wanted <= most else most - most % season if season <= most else most


def describe_cut(wanted: int, window: int) -> str:
    """A note on a window that was cut."""
    return (
        f"window cut from {wanted:,} to {window:,} steps: with more, training would take too long; "
        "give input_size= (--input-size) for another, or a coarser step"
    )


def candidate_seasons(panel: Panel | Outline, season_length: int | None) -> tuple[int, ...]:
    """The given season and the usual longer ones that it divides; those that `check` names when none is given."""
    if season_length is None:
        return (panel.seasons if isinstance(panel, Outline) else seasons_to_use(panel)) or (1,)
    usual = panel.frequency.seasons
    return (season_length, *(s for s in usual if s > season_length and s % season_length == 0))


def default_held_out(spare: int, h: int) -> int:
    """A tenth of what the longest series can spare, in whole horizons from 1 to 7; 0 when it cannot spare one."""
    if spare < h:
        return 0
    return h * min(max(int(HELD_OUT_SHARE * spare / h), 1), HELD_OUT_HORIZONS)
