"""Accuracy and seconds of GRUClassifier and MiniRocket on the UCR and UEA sets that aeon ships, on their own split.

Both as they come, each on one thread; the seconds are the processor's, so its neighbours matter less. Sequences of
unequal lengths go to MiniRocket with zeros after their ends. The table is printed and saved to
benchmarks/results/classify.md.

    make bench-classify
    .venv-classify/bin/python benchmarks/bench_classify.py GunPoint ArrowHead
"""

import argparse
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from aeon.classification.convolution_based import MiniRocketClassifier
from aeon.datasets import load_classification
from numpy.typing import NDArray

from grucast import GRUClassifier, TrainingConfig
from machine import facts

SETS = (
    "UnitTest",
    "ItalyPowerDemand",
    "JapaneseVowels",
    "BasicMotions",
    "GunPoint",
    "PickupGestureWiimoteZ",
    "ArrowHead",
    "OSULeaf",
)
RESULTS = Path(__file__).parent / "results" / "classify.md"
Array = NDArray[Any]


def read(name: str, split: str) -> tuple[list[Array], Array]:
    """Sequences (T, F) and labels."""
    x, y = load_classification(name, split=split)
    return [np.asarray(one).T for one in x], y


def padded(sequences: list[Array], steps: int) -> Array:
    """Sequences as aeon takes them, (N, F, T), cut or with zeros after their ends."""
    x = np.zeros((len(sequences), sequences[0].shape[1], steps))
    for row, one in zip(x, sequences, strict=True):
        row[:, : len(one)] = one[:steps].T
    return x


def timed(model: Any, train: tuple[Any, Array], test: tuple[Any, Array]) -> tuple[float, float, float]:
    """Accuracy on the test split, seconds to fit and to predict."""
    start = time.process_time()
    model.fit(*train)
    middle = time.process_time()
    accuracy = np.mean(model.predict(test[0]) == test[1])
    return float(accuracy), middle - start, time.process_time() - middle


def compare(name: str) -> str:
    """A row of the table."""
    (x, y), (x_test, y_test) = read(name, "train"), read(name, "test")
    lengths = sorted({len(one) for one in x})
    gru = timed(GRUClassifier(training=TrainingConfig(seed=1)), (x, y), (x_test, y_test))
    data = (padded(x, lengths[-1]), y), (padded(x_test, lengths[-1]), y_test)
    rocket = timed(MiniRocketClassifier(random_state=1, n_jobs=1), *data)
    steps = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    shape = f"{len(x)}, {len(x_test)} | {steps} | {x[0].shape[1]} | {len(set(y))}"
    shown = [f"{accuracy:.3f} | {fit:.1f} | {predict:.2f}" for accuracy, fit, predict in (gru, rocket)]
    return f"| {name} | {shape} | {shown[0]} | {shown[1]} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    warnings.filterwarnings("ignore")
    heads = ["", "train, test", "steps", "features", "classes"]
    heads += [f"{model}: {what}" for model in ("GRU", "MiniRocket") for what in ("accuracy", "fit, s", "predict, s")]
    os.environ["OMP_NUM_THREADS"] = "1"  # of the GRU's kernels
    lines = [", ".join(f"{key} {value}" for key, value in facts().items()), ""]
    lines += [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    compare("UnitTest")  # MiniRocket is compiled when it first runs
    for name in parser.parse_args().sets:
        lines.append(compare(name))
        print(lines[-1], flush=True)
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
