// The only file that knows Python: checks what comes in, then calls the kernels without the interpreter's lock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "dispatch.h"
#include "head.h"
#include "layer.h"
#include "window.h"

namespace nb = nanobind;

namespace {

using std::optional;

template <class T>
using Array = nb::ndarray<T, nb::device::cpu>;
template <class T>
using In = Array<const T>;
using Lengths = optional<In<std::int64_t>>;

void require(bool good, const char *name, const char *what = "") {
  if (!good) throw std::invalid_argument(std::string(name) + what);
}

template <class T>
bool has_shape(const Array<T> &a, std::initializer_list<long> shape) {
  if (a.ndim() != shape.size()) return false;
  long axis = 0;
  for (long n : shape)
    if (long(a.shape(axis++)) != n) return false;
  return true;
}

// A dense array of this shape.
template <class T>
T *dense(const Array<T> &a, std::initializer_list<long> shape, const char *name) {
  require(has_shape(a, shape), name, " has the wrong shape");
  long stride = 1;
  for (long axis = long(a.ndim()) - 1; a.size() && axis >= 0; --axis) {
    require(a.shape(axis) < 2 || a.stride(axis) == stride, name, " must be contiguous");
    stride *= long(a.shape(axis));
  }
  return a.data();
}

template <class T>
T *dense(const optional<Array<T>> &a, std::initializer_list<long> shape, const char *name) {
  return a ? dense(*a, shape, name) : nullptr;
}

// (B, T, features) with dense features.
template <class T>
grucast::Strided<T> strided(const Array<T> &a, long batch, long steps, long features, const char *name) {
  require(has_shape(a, {batch, steps, features}), name, " has the wrong shape");
  require(!a.size() || features < 2 || a.stride(2) == 1, name, " must have contiguous features");
  return {a.data(), long(a.stride(0)), long(a.stride(1))};
}

template <class T>
void require_lengths(const grucast::Layer<T> &n) {
  for (long row = 0; n.lengths && row < n.batch; ++row)
    require(n.lengths[row] >= 0 && n.lengths[row] <= n.steps, "lengths must be between 0 and the steps of x");
}

template <class T>
struct Tensors {
  In<T> x, initial, weight_ih, weight_hh;
  optional<In<T>> bias_ih, bias_hh;
  Lengths lengths;
  Array<T> output;
  bool reset_after, reverse;
};

template <class T>
grucast::Layer<T> layer_of(const Tensors<T> &a) {
  require(a.x.ndim() == 3 && a.weight_hh.ndim() == 2, "x must be (B, T, I) and weight_hh (3H, H)");
  const long b = long(a.x.shape(0)), t = long(a.x.shape(1)), i = long(a.x.shape(2)), h = long(a.weight_hh.shape(1));
  grucast::Layer<T> n{b, t, i, h, a.reset_after, a.reverse};
  n.x = strided(a.x, b, t, i, "x");
  n.initial = dense(a.initial, {b, h}, "initial");
  n.weight_ih = dense(a.weight_ih, {3 * h, i}, "weight_ih");
  n.weight_hh = dense(a.weight_hh, {3 * h, h}, "weight_hh");
  n.bias_ih = dense(a.bias_ih, {3 * h}, "bias_ih");
  n.bias_hh = dense(a.bias_hh, {3 * h}, "bias_hh");
  n.lengths = dense(a.lengths, {b}, "lengths");
  require_lengths(n);
  n.output = strided(a.output, b, t, h, "output");
  n.saved = nullptr;
  return n;
}

template <class T>
void forward(In<T> x, In<T> initial, In<T> weight_ih, In<T> weight_hh, optional<In<T>> bias_ih, optional<In<T>> bias_hh,
             Lengths lengths, bool reset_after, bool reverse, Array<T> output, Array<T> final, int threads) {
  auto n = layer_of<T>({x, initial, weight_ih, weight_hh, bias_ih, bias_hh, lengths, output, reset_after, reverse});
  n.final = dense(final, {n.batch, n.hidden}, "final");
  if (!n.batch || !n.hidden) return;  // there may be 2^40 steps of nothing
  const nb::gil_scoped_release free;
  grucast::gru_forward(&n, 1, threads);
}

template <class T>
void linear(In<T> x, In<T> weight, optional<In<T>> bias, Array<T> y) {
  require(x.ndim() == 2 && weight.ndim() == 2, "x must be (B, I) and weight (O, I)");
  grucast::Linear<T> n{long(x.shape(0)), long(x.shape(1)), long(weight.shape(0)), nullptr, nullptr, nullptr, nullptr};
  n.x = dense(x, {n.rows, n.inputs}, "x");
  n.weight = dense(weight, {n.outputs, n.inputs}, "weight");
  n.bias = dense(bias, {n.outputs}, "bias");
  n.y = dense(y, {n.rows, n.outputs}, "y");
  if (!y.size()) return;
  const nb::gil_scoped_release free;
  grucast::linear(n);
}

// A weight and a bias that fit the inputs.
grucast::Affine affine(const In<float> &weight, const In<float> &bias, long inputs, const char *name) {
  require(weight.ndim() == 2, name, " must be (O, I)");
  const long outputs = long(weight.shape(0));
  return {outputs, inputs, dense(weight, {outputs, inputs}, name), bias.size() ? dense(bias, {outputs}, name) : nullptr};
}

void head(In<float> x, In<float> continued, In<float> statics, In<float> ahead, std::vector<In<float>> weights, Array<float> y) {
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
  require(weights.size() == (n.known ? 10 : 4), "there must be a weight and a bias of each layer");
  n.hidden = affine(weights[0], weights[1], n.state + n.continuations * n.horizon + n.fixed, "hidden");
  n.out = affine(weights[2], weights[3], n.hidden.outputs, "out");
  require(n.out.outputs == n.horizon * n.quantiles, "out must give h Q numbers");
  if (n.known) {
    n.step_state = affine(weights[4], weights[5], n.hidden.outputs, "step_state");
    n.step = affine(weights[6], weights[7], n.known, "step");
    n.step_out = affine(weights[8], weights[9], n.step.outputs, "step_out");
    require(n.step_state.outputs == n.step.outputs && n.step_out.outputs == n.quantiles, "the steps' layers do not fit");
  }
  if (!y.size()) return;
  const nb::gil_scoped_release free;
  grucast::head(n);
}

void intervals(In<float> z, In<double> widths, In<double> centre, In<double> scale, In<bool> nonnegative,
               Array<double> y) {
  require(z.ndim() == 3, "z must be (B, h, Q)");
  grucast::Intervals n{};
  n.rows = long(z.shape(0)), n.horizon = long(z.shape(1)), n.quantiles = long(z.shape(2));
  require(n.quantiles % 2 == 1, "the quantiles must be an odd number");
  n.z = dense(z, {n.rows, n.horizon, n.quantiles}, "z"), n.y = dense(y, {n.rows, n.horizon, n.quantiles}, "y");
  n.widths = dense(widths, {n.quantiles / 2}, "widths");
  n.centre = dense(centre, {n.rows, 1}, "centre"), n.scale = dense(scale, {n.rows, 1}, "scale");
  n.nonnegative = dense(nonnegative, {n.rows}, "nonnegative");
  const nb::gil_scoped_release free;
  grucast::intervals(n);
}

void window_features(In<double> history, In<std::int64_t> seasons, long recent, Array<float> inputs, Array<float> continued,
                     Array<double> centre, Array<double> scale, Array<float> naive_error) {
  require(history.ndim() == 2 && seasons.ndim() == 1, "history must be (B, T) and seasons (S,)");
  require(inputs.ndim() == 3 && continued.ndim() == 3, "inputs must be (B, T, C) and continued (B, 2S, h)");
  grucast::Windows w{};
  w.count = long(history.shape(0)), w.steps = long(history.shape(1)), w.seasons = long(seasons.size());
  w.horizon = long(continued.shape(2)), w.width = long(inputs.shape(2)), w.recent = recent;
  const std::int64_t *given = dense(seasons, {w.seasons}, "seasons");
  const std::vector<long> season(given, given + w.seasons);
  for (const long s : season) require(1 <= s && s <= w.steps, "a season must be from 1 to T");
  require(recent >= 1 && w.seasons >= 1 && w.width >= 2 + w.seasons, "too few seasons, columns or recent steps");
  w.season = season.data();
  w.history = dense(history, {w.count, w.steps}, "history");
  w.inputs = dense(inputs, {w.count, w.steps, w.width}, "inputs");
  w.continued = dense(continued, {w.count, 2 * w.seasons, w.horizon}, "continued");
  w.centre = dense(centre, {w.count, 1}, "centre"), w.scale = dense(scale, {w.count, 1}, "scale");
  w.naive_error = dense(naive_error, {w.count, 1}, "naive_error");
  const nb::gil_scoped_release free;
  grucast::window_features(w);
}

template <class T>
void activate(const std::string &name, In<T> x, Array<T> y) {
  const long size = long(x.size());
  require(x.ndim() == 1 && name.size(), "x must be a vector");
  const auto &k = [] () -> const auto & {
    if constexpr (sizeof(T) == 4) return grucast::target().single; else return grucast::target().dual;
  }();
  const T *from = dense(x, {size}, "x");
  T *to = dense(y, {size}, "y");
  const nb::gil_scoped_release free;
  (name == "tanh" ? k.tanh : k.sigmoid)(from, to, size);
}

// Takes a structure's members from a tuple: addresses, sizes and strides that the caller has checked. Reading them off
// a dozen tensors here would cost more than a short sequence.
class Members {
 public:
  Members(nb::handle values, std::size_t count) {
    if (!nb::isinstance<nb::tuple>(values) || nb::len(values) != count)
      throw nb::type_error(("must be a tuple of " + std::to_string(count) + " integers").c_str());
    values_ = nb::borrow<nb::tuple>(values);
  }
  long number() {
    const Py_ssize_t value = PyLong_AsSsize_t(NB_TUPLE_GET_ITEM(values_.ptr(), Py_ssize_t(next_++)));
    if (value == -1 && PyErr_Occurred()) nb::raise_python_error();
    return long(value);
  }
  template <class T>
  T *address() {
    const long at = number();
    require(!at || at >= 1 << 16, "no system has memory at an address so low");
    return reinterpret_cast<T *>(at);
  }
  template <class T>
  grucast::Strided<T> strided() {
    T *data = address<T>();
    const long row = number();
    return {data, row, number()};
  }

 private:
  nb::tuple values_;
  std::size_t next_ = 0;
};

void require_memory(const void *data, long elements) { require(data || !elements, "an address is missing"); }

template <class T>
grucast::Layer<T> layer_at(nb::handle values) {
  Members m(values, 21);
  grucast::Layer<T> n{};
  n.batch = m.number(), n.steps = m.number(), n.inputs = m.number(), n.hidden = m.number();
  n.reset_after = m.number(), n.reverse = m.number();
  n.x = m.strided<const T>(), n.output = m.strided<T>();
  n.initial = m.address<T>(), n.weight_ih = m.address<T>(), n.weight_hh = m.address<T>();
  n.bias_ih = m.address<T>(), n.bias_hh = m.address<T>(), n.lengths = m.address<std::int64_t>();
  n.final = m.address<T>(), n.saved = m.address<T>(), n.states = m.address<T>();
  require(n.batch >= 0 && n.steps >= 0 && n.inputs >= 0 && n.hidden >= 0, "sizes must not be negative");
  require_memory(n.x.data, n.batch * n.steps * n.inputs);
  require_memory(n.weight_ih, n.hidden * n.inputs), require_memory(n.weight_hh, n.hidden);
  require_lengths(n);
  return n;
}

// The directions of one layer, as gru_forward wants them.
template <class T>
std::vector<grucast::Layer<T>> layers_at(nb::list values) {
  std::vector<grucast::Layer<T>> all;
  for (nb::handle each : values) {
    const auto n = layer_at<T>(each), &first = all.empty() ? n : all[0];
    const auto sizes = [](const auto &l) { return std::tuple(l.batch, l.steps, l.inputs, l.hidden, l.reset_after, !l.saved); };
    require(sizes(n) == sizes(first), "the directions must have the same sizes");
    all.push_back(n);
  }
  require(!all.empty(), "there must be a layer");
  return all;
}

template <class T>
grucast::Gradients<T> gradients_at(nb::handle values) {
  Members m(values, 12);
  grucast::Gradients<T> g{};
  g.output = m.strided<const T>(), g.x = m.strided<T>(), g.final = m.address<T>(), g.initial = m.address<T>();
  g.weight_ih = m.address<T>(), g.weight_hh = m.address<T>(), g.bias_ih = m.address<T>(), g.bias_hh = m.address<T>();
  return g;
}

template <class T>
void forward_at(nb::list layers, int threads) {
  const auto all = layers_at<T>(layers);
  for (const auto &n : all) require_memory(n.output.data, n.batch * n.steps * n.hidden), require_memory(n.final, n.batch * n.hidden);
  const nb::gil_scoped_release free;
  grucast::gru_forward(all.data(), long(all.size()), threads);
}

template <class T>
void backward_at(nb::list layers, nb::list gradients, int threads) {
  const auto all = layers_at<T>(layers);
  for (const auto &n : all) require_memory(n.states, n.steps > 1 ? n.batch * n.hidden : 0);
  std::vector<grucast::Gradients<T>> wanted;
  for (nb::handle each : gradients) wanted.push_back(gradients_at<T>(each));
  require(wanted.size() == all.size(), "there must be gradients for each layer");
  const nb::gil_scoped_release free;
  grucast::gru_backward(all.data(), wanted.data(), long(all.size()), threads);
}

template <class T>
void define(nb::module_ &m) {
  using namespace nb::literals;
  m.def("forward", &forward<T>, "x"_a.noconvert(), "initial"_a.noconvert(), "weight_ih"_a.noconvert(),
        "weight_hh"_a.noconvert(), "bias_ih"_a.noconvert().none(), "bias_hh"_a.noconvert().none(),
        "lengths"_a.noconvert().none(), "reset_after"_a, "reverse"_a, "output"_a.noconvert(), "final"_a.noconvert(),
        "threads"_a);
  m.def("linear", &linear<T>, "x"_a.noconvert(), "weight"_a.noconvert(), "bias"_a.noconvert().none(), "y"_a.noconvert());
  m.def("sigmoid", [](In<T> x, Array<T> y) { activate<T>("sigmoid", x, y); }, "x"_a.noconvert(), "y"_a.noconvert());
  m.def("tanh", [](In<T> x, Array<T> y) { activate<T>("tanh", x, y); }, "x"_a.noconvert(), "y"_a.noconvert());
}

}  // namespace

NB_MODULE(_native, m) {
  using namespace nb::literals;
  m.doc() = "grucast's native kernels.";
  m.def(
      "targets",
      [] {
        nb::list names;
        for (auto entry = grucast::targets(); *entry; ++entry) names.append(nb::str((*entry)->name));
        return names;
      },
      nb::sig("def targets() -> list[str]"), "Instruction sets that can run here, best first.");
  m.def("target", [] { return grucast::target().name; }, "The instruction set in use.");
  m.def("saved_size", &grucast::saved_size, "Elements that forward saves for backward.");
  m.def("forward_at", [](bool dual, nb::list layers, int threads) {
    dual ? forward_at<double>(layers, threads) : forward_at<float>(layers, threads);
  });
  m.def("backward_at", [](bool dual, nb::list layers, nb::list gradients, int threads) {
    dual ? backward_at<double>(layers, gradients, threads) : backward_at<float>(layers, gradients, threads);
  });
  m.def("head", &head, "x"_a.noconvert(), "continued"_a.noconvert(), "statics"_a.noconvert(), "ahead"_a.noconvert(),
        "weights"_a.noconvert(), "y"_a.noconvert());
  m.def("intervals", &intervals, "z"_a.noconvert(), "widths"_a.noconvert(), "centre"_a.noconvert(), "scale"_a.noconvert(),
        "nonnegative"_a.noconvert(), "y"_a.noconvert());
  m.def("window_features", &window_features, "history"_a.noconvert(), "seasons"_a.noconvert(), "recent"_a,
        "inputs"_a.noconvert(), "continued"_a.noconvert(), "centre"_a.noconvert(), "scale"_a.noconvert(),
        "naive_error"_a.noconvert());
  define<float>(m);
  define<double>(m);
}
