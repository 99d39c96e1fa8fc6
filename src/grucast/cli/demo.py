"""The textbook example as a command."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from grucast import plotting
from grucast.cli.common import Json, bar, command, make_folder
from grucast.cli.compare import show_comparison
from grucast.cli.output import print_json, require_outputs
from grucast.cli.screen import Screen
from grucast.forecasting.tables import short_digits
from grucast.forecasting.textbook import EPOCHS, run_textbook


@command("grucast demo --out demo")
def demo(
    folder: Annotated[str, typer.Option("--out", help="Folder for the plots.")] = "demo",
    compare: Annotated[
        bool, typer.Option("--compare", help="Train RNN, LSTM and GRU on it, by torch and by grucast, instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The textbook example: train a GRU on noisy sines, plot loss and predictions."""
    make_folder(folder)
    if compare:
        compare_layers(str(Path(folder, "comparison.png")), as_json)
        return
    plots = [str(Path(folder, name)) for name in ("loss_curve.png", "predictions.png")]
    for plot in plots:
        require_outputs({}, {"--out": (plot, plotting.PICTURES)})
    plotting.require_matplotlib()
    say = Screen(stderr=as_json)
    say.tell("Training a GRU (32 units) on 240 noisy sines of 30 steps, testing it on 60 others.", whole=True)
    with bar("epochs", say) as show:

        def report(progress: Any) -> None:
            if show:
                show(progress)
            if progress.step % 20 == 0:
                say.tell(f"epoch {progress.step:3d}/{EPOCHS}  loss {progress.loss:.6f}")

        textbook = run_textbook(callback=report)
    honest = run_textbook(one_step_ahead=True)
    plotting.plot_loss(textbook.losses, plots[0])
    plotting.plot_predictions(textbook.actual, textbook.predicted, plots[1], "Textbook example: 60 test sequences")
    say.print(demo_table(textbook, honest))
    say.tell(
        "The example's target is the last value of its own input, so a network need only copy it. One step ahead "
        "hides that value: it is the honest forecast.",
        whole=True,
    )
    say.tell(f"{textbook.seconds:.2f} s from data to metrics. Plots: {', '.join(plots)}", whole=True)
    if as_json:
        keys = ("losses", "test_mse", "test_mae", "naive_mse", "naive_mae", "seconds")
        parts = [{key: getattr(result, key) for key in keys} for result in (textbook, honest)]
        for part in parts:
            part["losses"] = short_digits(np.array([part["losses"]]))[0].tolist()
        print_json(parts[0] | {"one_step_ahead": parts[1], "plots": plots})


def compare_layers(plot: str, as_json: bool) -> None:
    """The recurrent layers on the example: a table, a picture and the verdict."""
    from grucast.comparison.textbook import compare_textbook

    require_outputs({}, {"--out": (plot, plotting.PICTURES)})
    plotting.require_matplotlib()
    say = Screen(stderr=as_json)
    say.tell(
        "Training RNN, LSTM and GRU (32 units) on 240 noisy sines of 30 steps, testing them on 60 others.", whole=True
    )
    with bar("training", say) as show:
        result = compare_textbook(callback=show)
    show_comparison(result, plot, say, as_json)


def demo_table(textbook: Any, honest: Any) -> Table:
    """Test errors of the textbook's task and of the honest one."""
    table = Table("60 test sequences", title_justify="left")
    for column in ("MSE", "MAE"):
        table.add_column(column, justify="right")
    rows = (
        ("textbook: the last value of the input", textbook.test_mse, textbook.test_mae),
        ("one step ahead: GRU", honest.test_mse, honest.test_mae),
        ("one step ahead: repeat the last value", honest.naive_mse, honest.naive_mae),
    )
    for name, mse, mae in rows:
        table.add_row(name, f"{mse:.6f}", f"{mae:.6f}")
    return table
