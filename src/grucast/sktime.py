"""GRUForecaster and GRUClassifier for sktime: its containers, horizons and intervals; needs the extra sktime."""

from typing import Any, ClassVar

import numpy as np

from grucast.data.covariates import Covariates
from grucast.errors import DataError, MissingExtraError
from grucast.forecasting.classifier import GRUClassifier as Classifier
from grucast.forecasting.forecaster import GRUForecaster as Forecaster
from grucast.model.config import NetworkConfig, TrainingConfig

try:
    import pandas as pd
    from sktime.classification.base import BaseClassifier
    from sktime.forecasting.base import BaseForecaster
except ImportError as error:
    raise MissingExtraError("sktime", "sktime") from error

__all__ = ["GRUClassifier", "GRUForecaster"]

CONTAINERS = ["pd.DataFrame", "pd-multiindex", "pd_multiindex_hier"]


class GRUForecaster(BaseForecaster):
    """grucast.GRUForecaster with the interface of sktime: one network for all series of a panel or hierarchy.

    The largest step of `fh` is the horizon h. Steps are counted from the end of each series. `update` appends to the
    data, so the next forecast continues them; with `update_params=True` it also trains again on all of them.

    Args:
        input_size: Steps of history the network reads; chosen from seasons and horizon when None.
        season_length: Seasonal period in steps; found from the frequency when None.
        level: Coverage in percent of the intervals that are trained; others follow from them.
        covariates: The roles of X's columns; when None, all are known in advance, and `predict` needs their values at
            every step up to the last of `fh`.
        network: Shape of the network.
        training: How it is trained.

    Attributes:
        forecaster_: The trained grucast.GRUForecaster, once fitted.

    Raises:
        ConfigError: In fit, an argument has no meaning.
        DataError: The data cannot be used, or X is missing or lacks a step.

    >>> import pandas as pd
    >>> from grucast import TrainingConfig
    >>> from grucast.sktime import GRUForecaster
    >>> y = pd.Series(range(60), pd.period_range("2020-01", periods=60, freq="M"))
    >>> forecaster = GRUForecaster(training=TrainingConfig(max_steps=2)).fit(y, fh=[1, 3])
    >>> forecaster.predict().index
    PeriodIndex(['2025-01', '2025-03'], dtype='period[M]')
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "grucast",
        "maintainers": "grucast",
        "y_inner_mtype": CONTAINERS,
        "X_inner_mtype": CONTAINERS,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:non_contiguous_X": False,
        "capability:missing_values": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
        "requires-fh-in-fit": True,
    }
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}  # what it needs of them, it keeps itself
    _y = _X = None  # where sktime keeps them nevertheless, when set_config says so

    def __init__(
        self,
        input_size: int | None = None,
        season_length: int | None = None,
        level: tuple[float, ...] = (80, 95),
        covariates: Covariates | None = None,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        self.input_size = input_size
        self.season_length = season_length
        self.level = level
        self.covariates = covariates
        self.network = network
        self.training = training
        super().__init__()
        if not level:
            self.set_tags(**{"capability:pred_int": False})

    def _fit(self, y: Any, X: Any, fh: Any) -> "GRUForecaster":
        columns = () if X is None else tuple(map(str, X.columns))
        untrained = Forecaster(
            self._steps(fh, y).max(),
            self.input_size,
            self.season_length,
            self.level,
            covariates=self.covariates or Covariates(future=columns),
            network=self.network,
            training=self.training,
        )
        self._data = to_columns(y, X, untrained.covariates)
        self.forecaster_ = untrained.fit(to_long(self._data))
        return self

    def _update(self, y: Any, X: Any = None, update_params: bool = True) -> "GRUForecaster":
        rows = pd.concat([self._data, to_columns(y, X, self.forecaster_.covariates)])
        self._data = rows[~rows.index.duplicated(keep="last")]
        if update_params:
            self.forecaster_ = self.forecaster_.clone().fit(to_long(self._known()))
        return self

    def _predict(self, fh: Any, X: Any) -> Any:
        return self._forecast(fh, X, ()).set_axis(self._get_columns(), axis=1)

    def _predict_quantiles(self, fh: Any, X: Any, alpha: list[float]) -> Any:
        coverage = [float(f"{abs(200 * a - 100):g}") for a in alpha]  # as names of columns have it
        table = self._forecast(fh, X, tuple(sorted({percent for percent in coverage if percent})))
        sides = ["lo" if a < 0.5 else "hi" for a in alpha]
        names = [f"GRU-{side}-{c:g}" if c else "GRU" for side, c in zip(sides, coverage, strict=True)]
        return table[names].set_axis(self._get_columns("predict_quantiles", alpha=alpha), axis=1)

    def _forecast(self, fh: Any, X: Any, level: tuple[float, ...]) -> Any:
        """Median and intervals at the steps of fh, indexed as the data are."""
        data, future = self._known(), None
        if self.forecaster_.covariates.future:
            future = to_long(required(X, self.forecaster_.covariates.future))
        forecast = self.forecaster_.predict_levels(to_long(data), future, level)  # besides the median any are asked for
        steps = self._steps(fh, data)
        wanted = forecast[np.isin(np.arange(len(forecast)) % self.forecaster_.h, steps - 1)]
        index = index_like(data.index, wanted["ds"], len(steps))
        return wanted.drop(columns=["unique_id", "ds"]).set_axis(index)

    def _known(self) -> Any:
        """The data up to the cutoff, which sktime may set back."""
        return self._data[self._data.index.get_level_values(-1) <= self.cutoff[0]]

    def _steps(self, fh: Any, data: Any) -> Any:
        """The horizon in steps after the end of each series."""
        if not fh.is_relative and isinstance(data.index, pd.MultiIndex):
            ends = data.index.to_frame(index=False).iloc[:, -1].groupby(data.index.droplevel(-1)).max()
            if ends.nunique() > 1:
                raise DataError(
                    f"fh holds points in time, but the series end at different ones, {ends.min()} to {ends.max()}: "
                    "give steps such as fh=[1, 2, 3], which are counted from the end of each"
                )
        return np.array(fh.to_relative(self.cutoff).to_pandas())

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003 - sktime's signature
        """Settings that train in an instant, for sktime's checks."""
        network = NetworkConfig(hidden_size=4, head_size=4)
        tiny = {"input_size": 6, "network": network, "training": TrainingConfig(max_steps=1, batch_size=4)}
        return [tiny, {**tiny, "season_length": 3, "level": (50,), "training": TrainingConfig(max_steps=2, seed=7)}]


class GRUClassifier(BaseClassifier):
    """grucast.GRUClassifier with the interface of sktime: panels of sequences, of unequal lengths too, to classes.

    Args:
        network: Shape of the network, 64 units in both directions when None.
        training: How it is trained; 500 steps when `max_steps` is None.
        class_weight: What an error counts, {label: weight}, or "balanced"; 1 each when None.

    Attributes:
        classifier_: The trained grucast.GRUClassifier, once fitted.

    Raises:
        ConfigError: In fit, an argument has no meaning.
        DataError: The data cannot be used.

    >>> from grucast import TrainingConfig
    >>> from grucast.sktime import GRUClassifier
    >>> from sktime.datasets import load_unit_test
    >>> X, y = load_unit_test(split="train")
    >>> GRUClassifier(training=TrainingConfig(max_steps=50)).fit(X, y).predict_proba(X).shape
    (20, 2)
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "grucast",
        "maintainers": "grucast",
        "X_inner_mtype": "df-list",
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:categorical_in_X": False,
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    def __init__(
        self,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
        class_weight: Any = None,
    ) -> None:
        self.network = network
        self.training = training
        self.class_weight = class_weight
        super().__init__()

    def _fit(self, X: Any, y: Any) -> "GRUClassifier":
        untrained = Classifier(self.network, self.training, self.class_weight)
        self.classifier_ = untrained.fit(steps_first(X), y)
        return self

    def _predict_proba(self, X: Any) -> Any:
        p = self.classifier_.predict_proba(steps_first(X)).astype(float)
        return p / p.sum(1, keepdims=True)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:  # noqa: ARG003 - sktime's signature
        """Settings that train in an instant, for sktime's checks."""
        tiny = {"network": NetworkConfig(hidden_size=4), "training": TrainingConfig(max_steps=2)}
        return [tiny, {**tiny, "training": TrainingConfig(max_steps=3, seed=7), "class_weight": "balanced"}]


def steps_first(X: Any) -> list[Any]:
    """Sequences (T, F) of sktime's frames, one for each."""
    return [one.to_numpy() for one in X]


def required(X: Any, names: tuple[str, ...]) -> Any:
    """X with text for names of columns; refuse that it is not there."""
    if X is None:
        raise DataError(f"this forecaster reads {', '.join(names)}: give X with these columns")
    return X.rename(columns=str)


def to_columns(y: Any, X: Any, covariates: Covariates) -> Any:
    """The target as column y, the covariates of the same rows next to it."""
    y, names = y.set_axis(["y"], axis=1), (*covariates.temporal, *covariates.static)
    if not names:
        return y
    X = required(X, names)
    return pd.concat([y, X[[name for name in X.columns if name in names]].reindex(y.index)], axis=1)


def to_long(data: Any) -> Any:
    """Rows as grucast reads them: unique_id, ds and the columns of the data; periods become their first instants."""
    times = data.index.get_level_values(-1)
    long = data.reset_index(drop=True)
    long.insert(0, "ds", times.to_timestamp() if isinstance(times, pd.PeriodIndex) else times)
    long.insert(0, "unique_id", "series")
    if isinstance(data.index, pd.MultiIndex):
        codes, instances = data.index.droplevel(-1).factorize()
        names = np.array([str(name) for name in instances], object)
        if len(set(names)) < len(names):
            raise DataError("two series have the same name when written as text: name them differently")
        long["unique_id"] = names[codes]
    return long


def index_like(index: Any, times: Any, steps: int) -> Any:
    """Time stamps, so many for each series, as an index like that of the data."""
    own = index.get_level_values(-1)
    ahead = pd.PeriodIndex(times, freq=own.freq) if isinstance(own, pd.PeriodIndex) else pd.Index(times)
    if not isinstance(index, pd.MultiIndex):
        return ahead.rename(index.name)
    instances = index.droplevel(-1).unique().repeat(steps)
    levels = [instances.get_level_values(k) for k in range(instances.nlevels)]
    return pd.MultiIndex.from_arrays([*levels, ahead], names=index.names)
