"""Tools for assistants, by the Model Context Protocol: check, forecast and backtest files; needs the extra mcp."""

from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grucast.data.checks.examine import check as examine
from grucast.data.checks.report import to_json
from grucast.data.reading.options import ReadOptions
from grucast.errors import ConfigError, GrucastError, MissingExtraError
from grucast.forecasting.backtest import backtest as score_backtest
from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.one_call import forecast as forecast_once
from grucast.model.config import TrainingConfig

try:
    import anyio
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations
except ImportError as error:
    raise MissingExtraError("mcp", "mcp") from error

__all__ = ["make_server"]

INSTRUCTIONS = """Forecasts of time series in files: CSV of any kind, Excel, JSON, Parquet. Check a file before you
forecast it. An error says what is ambiguous and which option decides, such as time_col, target_col, id_col, freq,
time_format or decimal."""
OPTIONS = {field.name for field in fields(ReadOptions)}
Answer = dict[str, Any]
MOST_ROWS = 2000  # of a forecast in one answer
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)


def make_server(folder: str | Path = ".") -> MCPServer[Any]:
    """A server with three tools that read files below a folder and write nothing.

    Raises:
        ConfigError: There is no such folder.

    >>> make_server().name
    'grucast'
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise ConfigError(f"{folder} is not a folder: give the one whose files may be read")
    server = MCPServer("grucast", version=version("grucast"), instructions=INSTRUCTIONS)

    @server.tool(annotations=READS)
    async def check(file: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """What is in a file of series, how it was understood, what is wrong with it and what to do about it."""
        return await answer(check_file, root, file, options)

    @server.tool(annotations=READS)
    async def forecast(
        file: str, h: int | None = None, max_seconds: float = 60, options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Forecast each series of a file h steps ahead (a sensible number if not given), with 80 and 95% intervals.

        The verdict says how good such forecasts were on the last windows, and whether something simpler is better.
        """
        return await answer(forecast_file, root, file, options, h, max_seconds)

    @server.tool(annotations=READS)
    async def backtest(
        file: str, h: int, windows: int = 3, max_seconds: float = 60, options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Forecast the last windows of each series from what was known before; errors beside simple forecasts."""
        return await answer(backtest_file, root, file, options, h, windows, max_seconds)

    return server


async def answer(
    work: Callable[..., Answer], root: Path, file: str, options: dict[str, Any] | None, *settings: Any
) -> Answer:
    """What the work makes of a file, in a thread of its own; an error is what the assistant can act on."""

    def call() -> Answer:
        given = options or {}
        if unknown := given.keys() - OPTIONS:
            raise ConfigError(f"there is no option {min(unknown)}: give some of {', '.join(sorted(OPTIONS))}")
        return work(inside(root, file), given, *settings)

    try:
        return await anyio.to_thread.run_sync(call)
    except GrucastError as error:
        raise ToolError(str(error)) from error


def inside(root: Path, file: str) -> str:
    """The path of a file below the folder.

    Raises:
        ConfigError: It is elsewhere, also by a link, or not there.
    """
    path = (root / file.replace("\0", "?")).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ConfigError(f"there is no file {file!r} in the folder that this server reads")
    return str(path)


def check_file(path: str, options: dict[str, Any]) -> Answer:
    """The report of `grucast.check`."""
    return examine(path, **options).to_dict()


def forecast_file(path: str, options: dict[str, Any], h: int | None, seconds: float) -> Answer:
    """The result of `grucast.forecast`, its first rows if there are very many."""
    result = forecast_once(path, h=h, training=TrainingConfig(max_time=seconds), **options)
    rows = result.forecast.head(MOST_ROWS).to_dicts()
    return {
        "verdict": result.verdict,
        "notes": list(result.notes),
        "rows": len(result.forecast),
        "forecast": [{name: shown(value) for name, value in row.items()} for row in rows],
    }


def backtest_file(path: str, options: dict[str, Any], h: int, windows: int, seconds: float) -> Answer:
    """The scores of a backtest, the best first."""
    forecaster = GRUForecaster(h, training=TrainingConfig(max_time=seconds))
    result = score_backtest(forecaster, path, windows, **options)
    members = ("model", "mae", "rmse", "mase", "coverage")
    return {
        "series": result.series,
        "windows": result.windows,
        "scores": [{name: to_json(getattr(score, name)) for name in members} for score in result.scores],
    }


def shown(value: Any) -> Any:
    """A value as JSON has it."""
    return to_json(value if not isinstance(value, float) else float(f"{value:.6g}"))
