"""Forecast many series with one GRU."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from numpy.typing import NDArray

from grucast.data.calendar import usual_cycles
from grucast.data.covariates import Covariates
from grucast.data.encoding import fit_schema
from grucast.data.panel import Panel, make_panel
from grucast.data.reading.intake import DEFAULT, Intake
from grucast.data.reading.options import Options, ReadOptions
from grucast.data.sources import take, take_again, to_panel
from grucast.data.weighting import weighed, with_weights
from grucast.errors import ConfigError, NotFittedError, TrainingInterrupted
from grucast.forecasting.arguments import chosen, positive, shown_level, valid_level
from grucast.forecasting.engine import HERE, Engine, is_folder, refuse_together
from grucast.forecasting.explain import Explanation, explain_windows
from grucast.forecasting.frames import FrameKind, panel_frame
from grucast.forecasting.plan import Plan, make_plan, untrained
from grucast.forecasting.prediction import forecast_frame, silent_series, valid_samples, valid_steps, windows_ahead
from grucast.forecasting.warm_start import continued
from grucast.model.config import CheckpointConfig, NetworkConfig, TrainingConfig
from grucast.model.file import save_model
from grucast.model.models import ForecastModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grucast.forecasting.learning import Learning
    from grucast.forecasting.stream import Stream
    from grucast.training.progress import Followers

Array = NDArray[Any]
Data = tuple[Panel, FrameKind]
Saving = CheckpointConfig | None


class GRUForecaster:
    """Forecasts h steps of any number of series with one network and a direct forecast of all steps.

    Each window is brought to its own scale; a GRU reads it, a short season at once, and a head on the GRU's last state
    and simple continuations of the window gives the median and the intervals of every step.

    Args:
        h: Steps to forecast.
        input_size: Steps of history the network reads; chosen from seasons and horizon when None.
        season_length: Seasonal period in steps; found from the frequency when None.
        level: Coverage of the intervals in percent.
        covariates: Columns besides y that the network reads.
        network: Shape of the network.
        training: How it is trained; 50 to 1000 steps, more for more data, when `max_steps` is None.

    Attributes:
        history_: Training loss of each step, once fitted.
        notes_: What was chosen otherwise than the data ask for, in sentences, once fitted.

    Raises:
        ConfigError: An argument has no meaning.

    Source: Cho et al. 2014, arXiv:1406.1078.

    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> quick = TrainingConfig(max_steps=2)
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=quick).fit(example().tail(500))
    >>> forecaster.predict().columns[:3]
    ['unique_id', 'ds', 'GRU']
    """

    def __init__(
        self,
        h: int,
        input_size: int | None = None,
        season_length: int | None = None,
        level: tuple[float, ...] = (80, 95),
        *,
        covariates: Covariates | None = None,
        network: NetworkConfig | None = None,
        training: TrainingConfig | None = None,
    ) -> None:
        self.h = positive("h", h)
        self.input_size = None if input_size is None else positive("input_size", input_size)
        self.season_length = None if season_length is None else positive("season_length", season_length)
        self.level = valid_level(level)
        self.covariates = covariates or Covariates()
        self.network = network or NetworkConfig()
        self.training = training or TrainingConfig()

    def clone(self) -> "GRUForecaster":
        """A forecaster with the same settings, not fitted."""
        settings = (self.h, self.input_size, self.season_length, self.level)
        return GRUForecaster(*settings, covariates=self.covariates, network=self.network, training=self.training)

    def fit(  # noqa: PLR0913 - each is an option of the command line, too
        self,
        df: Any,
        val_size: int | None = None,
        checkpoint_dir: str | Path | None = None,
        resume: bool = False,
        progress: "Followers" = False,
        checkpoint_every: int = 50,
        warm_start: bool = False,
        sample_weight: str | None = None,
        *,
        engine: "Engine | None" = None,
        memory: int | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Train on a frame or file of series, or on a folder of Parquet files part by part.

        Args:
            df: Anything that `grucast.read` takes.
            val_size: Last steps of each series held out for early stopping; chosen when None, 0 for none.
            checkpoint_dir: Folder that keeps the state of training; nothing is kept when None.
            resume: Go on from the checkpoints there, to the same bits as without the break; from the beginning when
                there are none yet.
            progress: True shows a bar, a function is called with a Progress after each step, a list has several.
            checkpoint_every: Steps from one checkpoint to the next.
            warm_start: Go on from the model that is fitted or loaded: its h, window, seasons, levels, covariates stay,
                and the data must have its frequency and columns. `training` says how; half the learning rate is used.
            sample_weight: Column that says what each row counts in training, numbers from 0 on; it is no covariate. A
                row that counts nothing is still read, as the past of others.
            engine: What computes, such as a `grucast.distributed.RayEngine`, to the same bits; this process when None.
            memory: Bytes to work with on a folder, beside what the process has already; a quarter of the machine's
                when None.
            **options: How the data are to be read, as `grucast.read` takes them: id_col, time_col, target_col, freq ...
                The model remembers them.

        Raises:
            DataError: The data cannot be used; the message names column, series or row.
            NotFittedError: `warm_start` has no model to go on from.
            CheckpointError: The checkpoint is damaged or of another run, or there is one and `resume` is False.
            GrucastError: A checkpoint cannot be written.
            TrainingError: The loss did not stay finite.
            TrainingInterrupted: Ctrl-C, a KeyboardInterrupt; the best model so far is there, so `predict` and `save`
                work. Before the first step, and after any other exception, the forecaster is as it was.
        """
        start, asked = time.perf_counter(), ReadOptions.of(**options)
        if resume and checkpoint_dir is None:
            raise ConfigError("resume needs the folder of the checkpoints: give checkpoint_dir (--checkpoint-dir)")
        saving = None if checkpoint_dir is None else CheckpointConfig(Path(checkpoint_dir), checkpoint_every, resume)
        if engine or memory or is_folder(df):
            from grucast.forecasting.learning import Learning

            refuse_together(warm_start=warm_start, sample_weight=sample_weight)
            return self._learn(df, Learning(engine or HERE, memory, asked, val_size, progress, start, saving))
        if warm_start:
            panel, kind = self._read(df, asked, sample_weight)
            model = continued(self.model_, panel, self.training)
            plan = make_plan(panel, model.h, model.input_size, model.seasons[0], val_size, model.network)
            return self._train(model, plan, (panel, kind), progress, start, saving)
        intake = take(df, asked)
        panel = weighed(to_panel(intake, with_weights(self.covariates, sample_weight)), sample_weight)
        return self.fit_panel(panel, FrameKind.of(intake.table), val_size, progress, start, saving, intake.options)

    def _learn(self, df: Any, how: "Learning") -> Self:
        """Train on parts of series, which nobody keeps."""
        from grucast.forecasting.learning import fit_parts

        try:
            trained, history, self.notes_ = fit_parts(self, df, how)
        except TrainingInterrupted as interrupt:
            self._keep(interrupt.model, interrupt.history)
            raise
        return self._keep(trained, history)

    def fit_panel(
        self,
        panel: Panel,
        kind: FrameKind,
        val_size: int | None = None,
        progress: Any = False,
        start: float | None = None,
        saving: Saving = None,
        reading: ReadOptions = DEFAULT,
    ) -> Self:
        """Train on a panel; forecasts come as frames of that kind."""
        plan = make_plan(panel, self.h, self.input_size, self.season_length, val_size, self.network)
        schema = fit_schema(panel, self.covariates, usual_cycles(panel, plan.seasons))
        model = untrained(panel, plan, self.h, self.level, schema, self.training, reading)
        return self._train(model, plan, (panel, kind), progress, start, saving)

    def _train(
        self, model: ForecastModel, plan: Plan, data: Data, progress: Any, start: float | None, saving: Saving
    ) -> Self:
        """Train a model; forecasts come as frames of the data's kind."""
        from grucast.training.forecast import train_forecaster
        from grucast.training.progress import following

        self.notes_ = plan.notes
        try:
            with following(progress) as callback:
                trained, history = train_forecaster(
                    data[0], model, self.training, plan.held_out, callback, start, saving
                )
        except TrainingInterrupted as interrupt:
            self._keep(interrupt.model, interrupt.history, data)
            raise
        return self._keep(trained, history, data)

    def _keep(self, model: ForecastModel, history: list[float], data: Data | None = None) -> Self:
        self._model, self.history_, self._data = model, history, data
        return self

    def predict(
        self,
        df: Any = None,
        future: Any = None,
        level: tuple[float, ...] | None = None,
        samples: int | None = None,
        h: int | None = None,
        **options: Unpack[Options],
    ) -> Any:
        """Forecast the h steps after each series' last.

        Args:
            df: History to forecast from, of series seen in training or not; None continues the training series.
            future: Coming values of the future covariates: a row for each series and step, with unique_id, ds and those
                columns. Other rows and columns do not matter.
            level: Which intervals to give, at any coverage in percent; those trained when None.
            samples: Paths to draw of each series, whose steps depend on each other as the errors of held-out forecasts
                did; the same at each call.
            h: Steps to forecast; those trained when None. More come with a HorizonWarning, from medians before them.
            **options: How `df` is to be read, where that differs from the training data.

        Returns:
            A frame of the kind that came in: unique_id, ds, GRU (the median), GRU-lo-80, GRU-hi-80, ..., and
            GRU-sample-1, ... for the paths.

        Raises:
            NotFittedError: There is no trained model, or none of the training series in a loaded one.
            ConfigError: The levels have no meaning for this model, or it cannot draw samples.
            DataError: The data cannot be used, or the future lacks a column, a series or a step.
        """
        return self.predict_levels(
            df, future, shown_level(self.model_.level, level), ReadOptions.of(**options), samples, h
        )

    def predict_levels(
        self,
        df: Any,
        future: Any,
        level: tuple[float, ...],
        options: ReadOptions = DEFAULT,
        samples: int | None = None,
        h: int | None = None,
    ) -> Any:
        """As `predict`, at levels that are known to ascend between 0 and 100."""
        model = self.model_
        steps, count = valid_steps(model, h), 0 if samples is None else valid_samples(model, samples)
        return forecast_frame(model, self._history(df, options), future, steps, level, count)

    def explain(
        self, df: Any = None, future: Any = None, series: Sequence[Any] | None = None
    ) -> dict[Any, Explanation]:
        """What the forecast of each series uses: its window and scale, the seasons it continues, the GRU's gates.

        Args:
            df: As in `predict`.
            future: As in `predict`.
            series: Which to explain; all when None.

        Returns:
            An Explanation for each series, by its id; as in a stream, there is none where nothing can be forecast.

        Raises:
            NotFittedError, DataError: As in `predict`.
            ConfigError: There is no such series.
        """
        panel, _ = self._history(df)
        wanted = chosen(panel.ids, series)
        windows = windows_ahead(self.model_, panel, future, self.model_.h)
        shown = windows.of_series(wanted & ~silent_series(panel, self.model_))
        return {explanation.series: explanation for explanation in explain_windows(self.model_, shown)}

    def plot(
        self,
        path: str | Path | None = None,
        series: Sequence[Any] | str | None = None,
        df: Any = None,
        future: Any = None,
    ) -> "Figure":
        """Forecast, and draw that after the end of the history; save it to a path.

        Args:
            path: Picture to write: .png, .svg, .pdf ...; none when None.
            series: Which to draw; the first four when None.
            df: As in `predict`.
            future: As in `predict`.

        Raises:
            NotFittedError, DataError, MissingExtraError: As in `predict`; matplotlib is not installed.
        """
        from grucast.plotting import plot_forecast

        if df is None:
            return plot_forecast(panel_frame(*self._history(None)), self.predict(None, future), path, series=series)
        intake = self._take(df)
        forecast = self.predict(intake, future)
        return plot_forecast(intake.table.frame.to_native(), forecast, path, series=series, target=intake.target)

    def cross_validation(
        self,
        df: Any,
        n_windows: int = 3,
        step_size: int | None = None,
        refit: bool = False,
        **options: Unpack[Options],
    ) -> Any:
        """Forecast past windows from what was known before each.

        Args:
            df: Anything that `grucast.read` takes.
            n_windows: Cutoffs, the last one h steps before the end.
            step_size: Steps between cutoffs; h when None.
            refit: Train again at each cutoff; else once, before the first. This forecaster itself stays as it is.
            **options: How the data are to be read, as `grucast.read` takes them.

        Returns:
            A frame: unique_id, ds, cutoff, y, GRU and intervals, and a column for each of the simple baselines Naive,
            SeasonalNaive24 (of each season) and Drift; a row for each step that was observed.

        Raises:
            DataError: The data cannot be used or are too short for so many windows.
        """
        from grucast.forecasting.backtest import rolling_forecasts

        intake = take(df, ReadOptions.of(**options))
        panel = to_panel(intake, self.covariates)
        return rolling_forecasts(self, panel, FrameKind.of(intake.table), n_windows, step_size, refit).frame

    def stream(self, level: tuple[float, ...] | None = None) -> "Stream":
        """A stream that forecasts after each observation; it begins empty, so give it the history first.

        Args:
            level: Coverage of the intervals in percent; those trained when None.

        Raises:
            NotFittedError: Call fit first.
        """
        from grucast.forecasting.stream import Stream

        return Stream(self.model_, shown_level(self.model_.level, level))

    def save(self, path: str | Path) -> None:
        """Write the trained model to one safetensors file; it holds no data.

        Raises:
            NotFittedError: Call fit first.
        """
        save_model(self.model_, path)

    @classmethod
    def from_model(cls, model: ForecastModel) -> "GRUForecaster":
        """A forecaster around a trained model."""
        settings = (model.h, model.input_size, model.seasons[0])
        forecaster = cls(*settings, covariates=model.schema.covariates, network=model.network, training=model.training)
        forecaster._model, forecaster.level = model, model.level  # whatever a file of an earlier version holds
        return forecaster

    @property
    def model_(self) -> ForecastModel:
        """The trained model.

        Raises:
            NotFittedError: Call fit first.
        """
        try:
            return self._model
        except AttributeError as error:
            message = "this GRUForecaster is not fitted yet: call fit(df) first, or grucast.load(path)"
            raise NotFittedError(message) from error

    def _repr_html_(self) -> str:
        from grucast.forecasting.notebook import model_html, settings_html

        return model_html(self._model) if hasattr(self, "_model") else settings_html(self)

    def _history(self, df: Any, options: ReadOptions = DEFAULT) -> Data:
        if df is not None:
            return self._read(df, options)
        known: Data | None = getattr(self, "_data", None)
        if known is None:
            raise NotFittedError("a loaded model holds no data: give predict the history to forecast from")
        return known

    def _take(self, df: Any, options: ReadOptions = DEFAULT) -> Intake:
        """A frame or file read as the data of training were."""
        return take_again(df, self.model_.reading, options, self.model_.schema.texts)

    def _read(self, df: Any, options: ReadOptions, weights: str | None = None) -> Data:
        """Series read as those of training were, on their grid."""
        model, table = self.model_, self._take(df, options).table
        gaps, known = bool(model.reading.freq), model.schema.known
        panel = make_panel(table, model.frequency, with_weights(self.covariates, weights), gaps, known)
        return weighed(panel, weights), FrameKind.of(table)
