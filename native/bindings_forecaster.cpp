// Python's door to what the forecaster computes beside its GRU.
#include <nanobind/stl/vector.h>

#include <vector>

#include "arrays.h"
#include "head.h"
#include "window.h"

namespace {

// A weight and a bias that fit the inputs.
grucast::Affine affine(const In<float> &weight, const In<float> &bias, long inputs, const char *name) {
  require(weight.ndim() == 2, name, " must be (O, I)");
  const long outputs = long(weight.shape(0));
  return {outputs, inputs, dense(weight, {outputs, inputs}, name), bias.size() ? dense(bias, {outputs}, name) : nullptr};
}

void head(In<float> x, In<float> continued, In<float> statics, In<float> ahead, std::vector<In<float>> weights,
          Array<float> y) {
  require(x.ndim() == 2 && continued.ndim() == 3 && statics.ndim() == 2 && ahead.ndim() == 3 && y.ndim() == 3,
          "x must be (B, H), continued (B, C, h), statics (B, S), ahead (B, h, A) and y (B, h, Q)");
  grucast::Head n{};
  n.rows = long(x.shape(0)), n.state = long(x.shape(1)), n.continuations = long(continued.shape(1));
  n.fixed = long(statics.shape(1)), n.known = long(ahead.shape(2));
  n.horizon = long(y.shape(1)), n.quantiles = long(y.shape(2));
  require(n.quantiles % 2 == 1, "the quantiles must be an odd number");
  n.x = dense(x, {n.rows, n.state}, "x");
  n.continued = dense(continued, {n.rows, n.continuations, n.horizon}, "continued");
  n.statics = dense(statics, {n.rows, n.fixed}, "statics");
  n.ahead = dense(ahead, {n.rows, n.horizon, n.known}, "ahead");
  n.y = dense(y, {n.rows, n.horizon, n.quantiles}, "y");
  const size_t last = n.known ? 6 : 0, given = weights.size(), first = given == last + 6 ? 6 : 4;
  require(given == first + last, "there must be a weight and a bias of each layer");
  n.hidden = affine(weights[0], weights[1], n.state + n.continuations * n.horizon + n.fixed, "hidden");
  n.out = affine(weights[2], weights[3], n.hidden.outputs, "out");
  require(n.out.outputs == n.horizon * n.quantiles, "out must give h Q numbers");
  if (first == 6) {
    n.mix = affine(weights[4], weights[5], n.hidden.outputs, "mix");
    require(n.mix.outputs == n.continuations, "mix must give a weight to each continuation");
  }
  if (n.known) {
    n.step_state = affine(weights[first], weights[first + 1], n.hidden.outputs, "step_state");
    n.step = affine(weights[first + 2], weights[first + 3], n.known, "step");
    n.step_out = affine(weights[first + 4], weights[first + 5], n.step.outputs, "step_out");
    require(n.step_state.outputs == n.step.outputs && n.step_out.outputs == n.quantiles, "the steps' layers do not fit");
  }
  if (!y.size()) return;
  const nb::gil_scoped_release free;
  grucast::head(n);
}

void intervals(In<float> z, In<double> factors, In<double> centre, In<double> scale, In<bool> nonnegative, Array<double> y) {
  require(z.ndim() == 3, "z must be (B, h, Q)");
  grucast::Intervals n{};
  n.rows = long(z.shape(0)), n.horizon = long(z.shape(1)), n.quantiles = long(z.shape(2));
  require(n.quantiles % 2 == 1, "the quantiles must be an odd number");
  n.z = dense(z, {n.rows, n.horizon, n.quantiles}, "z"), n.y = dense(y, {n.rows, n.horizon, n.quantiles}, "y");
  n.factors = dense(factors, {n.quantiles / 2}, "factors");
  n.centre = dense(centre, {n.rows, 1}, "centre"), n.scale = dense(scale, {n.rows, 1}, "scale");
  n.nonnegative = dense(nonnegative, {n.rows}, "nonnegative");
  const nb::gil_scoped_release free;
  grucast::intervals(n);
}

void window_features(In<double> history, In<std::int64_t> seasons, long recent, In<double> smoothings, Array<float> inputs,
                     Array<float> continued, Array<double> centre, Array<double> scale, Array<float> naive_error,
                     Array<double> moved) {
  require(history.ndim() == 2 && seasons.ndim() == 1, "history must be (B, T) and seasons (S,)");
  require(inputs.ndim() == 3 && continued.ndim() == 3, "inputs must be (B, T, C) and continued (B, C, h)");
  grucast::Windows w{};
  w.count = long(history.shape(0)), w.steps = long(history.shape(1)), w.seasons = long(seasons.size());
  w.horizon = long(continued.shape(2)), w.width = long(inputs.shape(2)), w.recent = recent;
  const std::int64_t *given = dense(seasons, {w.seasons}, "seasons");
  const std::vector<long> season(given, given + w.seasons);
  for (const long s : season) require(1 <= s && s <= w.steps, "a season must be from 1 to T");
  require(recent >= 1 && w.seasons >= 1 && w.width >= 2 + w.seasons, "too few seasons, columns or recent steps");
  w.season = season.data();
  require(smoothings.ndim() == 2, "smoothings must be (K, 2)");
  w.smoothings = long(smoothings.shape(0));
  const double *ways = dense(smoothings, {w.smoothings, 2}, "smoothings");
  std::vector<grucast::Smoothing> smoothing;
  for (long i = 0; i < w.smoothings; ++i) smoothing.push_back({ways[2 * i], ways[2 * i + 1]});
  w.smoothing = smoothing.data();
  w.history = dense(history, {w.count, w.steps}, "history");
  w.inputs = dense(inputs, {w.count, w.steps, w.width}, "inputs");
  w.continued = dense(continued, {w.count, grucast::continuations(w.seasons, w.smoothings), w.horizon}, "continued");
  w.centre = dense(centre, {w.count, 1}, "centre"), w.scale = dense(scale, {w.count, 1}, "scale");
  w.naive_error = dense(naive_error, {w.count, 1}, "naive_error");
  w.moved = dense(moved, {w.count, w.smoothings ? 2 : 0}, "moved");
  const nb::gil_scoped_release free;
  grucast::window_features(w);
}

}  // namespace

void define_forecaster(nb::module_ &m) {
  using namespace nb::literals;
  m.def("head", &head, "x"_a.noconvert(), "continued"_a.noconvert(), "statics"_a.noconvert(), "ahead"_a.noconvert(),
        "weights"_a.noconvert(), "y"_a.noconvert());
  m.def("intervals", &intervals, "z"_a.noconvert(), "factors"_a.noconvert(), "centre"_a.noconvert(), "scale"_a.noconvert(),
        "nonnegative"_a.noconvert(), "y"_a.noconvert());
  m.def("window_features", &window_features, "history"_a.noconvert(), "seasons"_a.noconvert(), "recent"_a,
        "smoothings"_a.noconvert(), "inputs"_a.noconvert(), "continued"_a.noconvert(), "centre"_a.noconvert(),
        "scale"_a.noconvert(), "naive_error"_a.noconvert(), "moved"_a.noconvert());
}
