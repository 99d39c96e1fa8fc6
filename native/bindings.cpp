// Python's door to the layers: checks what comes in, then calls the kernels without the interpreter's lock.
#include <nanobind/stl/tuple.h>

#include <string>
#include <tuple>
#include <vector>

#include "arrays.h"
#include "dispatch.h"
#include "layer.h"
#include "optimiser.h"

void define_forecaster(nb::module_ &m);  // bindings_forecaster.cpp

namespace {

template <class T>
void require_lengths(const grucast::Direction<T> &n) {
  for (long row = 0; n.lengths && row < n.batch; ++row)
    require(n.lengths[row] >= 0 && n.lengths[row] <= n.steps, "lengths must be between 0 and the steps of x");
}

// weight_ih, weight_hh, bias_ih, bias_hh
template <class A>
using Four = std::tuple<A, A, A, A>;

template <class T>
struct Tensors {
  const In<T> &x;
  const optional<In<T>> &initial;
  const Four<In<T>> &weights;
  const Lengths &lengths;
  bool reset_after, reverse;
};

template <class T>
grucast::Direction<T> direction_of(const Tensors<T> &a) {
  const auto &[weight_ih, weight_hh, bias_ih, bias_hh] = a.weights;
  require(a.x.ndim() == 3 && weight_hh.ndim() == 2, "x must be (B, T, I) and weight_hh (3H, H)");
  const long b = long(a.x.shape(0)), t = long(a.x.shape(1)), i = long(a.x.shape(2)), h = long(weight_hh.shape(1));
  grucast::Direction<T> n{};
  n.batch = b, n.steps = t, n.inputs = i, n.hidden = h, n.reset_after = a.reset_after, n.reverse = a.reverse;
  n.x = strided(a.x, b, t, i, "x");
  n.initial = dense(a.initial, {b, h}, "initial");
  n.weight_ih = dense(weight_ih, {3 * h, i}, "weight_ih");
  n.weight_hh = dense(weight_hh, {3 * h, h}, "weight_hh");
  n.bias_ih = dense(bias_ih, {3 * h}, "bias_ih");
  n.bias_hh = dense(bias_hh, {3 * h}, "bias_hh");
  n.lengths = dense(a.lengths, {b}, "lengths");
  require_lengths(n);
  return n;
}

// Memory for the gates, or of them.
template <class T>
T *gates(const Array<T> &a, long batch, long steps, long hidden) {
  const long size = long(a.size());
  require(a.ndim() == 1 && size >= grucast::saved_size(batch, steps, hidden), "gates",
          " must be a vector of saved_size elements");
  return dense(a, {size}, "gates");
}

template <class T>
void forward(In<T> x, optional<In<T>> initial, Four<In<T>> weights, bool reset_after, Lengths lengths, bool reverse,
             Array<T> output, Array<T> final, optional<Array<T>> saved, int threads) {
  auto n = direction_of<T>({x, initial, weights, lengths, reset_after, reverse});
  n.output = strided(output, n.batch, n.steps, n.hidden, "output");
  n.final = dense(final, {n.batch, n.hidden}, "final");
  if (!n.batch || !n.hidden) return;  // there may be 2^40 steps of nothing
  if (saved) n.saved = gates(*saved, n.batch, n.steps, n.hidden);
  const nb::gil_scoped_release free;
  grucast::gru_forward(&n, 1, threads);
}

// Slices of a batch, whose gradients are summed apart.
template <class T>
long slices_in(const Array<T> &a) {
  require(a.ndim() && a.shape(0), "there must be a slice");
  return long(a.shape(0));
}

void require_slices(long rows, long count, long slice) {
  require(count == 1 || (slice >= grucast::kLanes && slice % grucast::kLanes == 0), "slices must be whole tiles");
  require(count == 1 || slice <= rows / count, "there must be a slice's rows for each slice");
}

// Gradients of the weights for each slice of `slice` rows, the last with all that are left; nothing is written where there
// are no rows or no units.
template <class T>
void backward(In<T> x, optional<In<T>> initial, Four<In<T>> weights, bool reset_after, Lengths lengths, bool reverse,
              In<T> output, In<T> saved, optional<In<T>> d_output, optional<In<T>> d_final, optional<Array<T>> d_x,
              optional<Array<T>> d_initial, Four<Array<T>> d_weights, long slice, int threads) {
  auto n = direction_of<T>({x, initial, weights, lengths, reset_after, reverse});
  const long b = n.batch, t = n.steps, i = n.inputs, h = n.hidden, count = slices_in(std::get<0>(d_weights));
  grucast::Gradients<T> g{};
  if (d_output) g.output = strided(*d_output, b, t, h, "d_output");
  g.final = dense(d_final, {b, h}, "d_final");
  if (d_x) g.x = strided(*d_x, b, t, i, "d_x");
  g.initial = dense(d_initial, {b, h}, "d_initial");
  require(n.initial || !g.initial, "d_initial needs an initial state");
  const Slices<T> weight_ih(std::get<0>(d_weights), {count, 3 * h, i}, "d_weight_ih");
  const Slices<T> weight_hh(std::get<1>(d_weights), {count, 3 * h, h}, "d_weight_hh");
  const Slices<T> bias_ih(std::get<2>(d_weights), {count, 3 * h}, "d_bias_ih");
  const Slices<T> bias_hh(std::get<3>(d_weights), {count, 3 * h}, "d_bias_hh");
  n.states = const_cast<T *>(dense(output, {b, t, h}, "output"));  // only read
  require_slices(b, count, slice);
  if (!b || !h) return;
  n.saved = const_cast<T *>(gates(saved, b, t, h));
  std::vector<grucast::Direction<T>> directions;
  std::vector<grucast::Gradients<T>> gradients;
  for (long s = 0; s < count; ++s) {
    directions.push_back(grucast::rows_of(n, s * slice, s + 1 < count ? slice : b - s * slice));
    gradients.push_back(grucast::rows_of(g, n, s * slice));
    auto &own = gradients.back();
    own.weight_ih = weight_ih.at(s), own.weight_hh = weight_hh.at(s), own.bias_ih = bias_ih.at(s), own.bias_hh = bias_hh.at(s);
  }
  const nb::gil_scoped_release free;
  grucast::gru_backward(directions.data(), gradients.data(), count, threads);
}

template <class T>
grucast::Linear<T> linear_of(const In<T> &x, const In<T> &weight) {
  require(x.ndim() == 2 && weight.ndim() == 2, "x must be (B, I) and weight (O, I)");
  grucast::Linear<T> n{};
  n.rows = long(x.shape(0)), n.inputs = n.row_stride = long(x.shape(1)), n.input_stride = 1, n.outputs = long(weight.shape(0));
  n.x = dense(x, {n.rows, n.inputs}, "x");
  n.weight = dense(weight, {n.outputs, n.inputs}, "weight");
  return n;
}

template <class T>
void linear(In<T> x, In<T> weight, optional<In<T>> bias, Array<T> y, int threads) {
  auto n = linear_of(x, weight);
  n.bias = dense(bias, {n.outputs}, "bias");
  n.y = dense(y, {n.rows, n.outputs}, "y");
  if (!y.size()) return;
  const nb::gil_scoped_release free;
  grucast::linear(n, threads);
}

template <class T>
void linear_backward(In<T> d_y, In<T> x, In<T> weight, optional<Array<T>> d_x, Array<T> d_weight, Array<T> d_bias, long slice,
                     int threads) {
  const auto n = linear_of(x, weight);
  const long count = slices_in(d_weight);
  grucast::LinearGradients<T> g{};
  g.y = dense(d_y, {n.rows, n.outputs}, "d_y");
  g.x = dense(d_x, {n.rows, n.inputs}, "d_x");
  const Slices<T> weights(d_weight, {count, n.outputs, n.inputs}, "d_weight"), biases(d_bias, {count, n.outputs}, "d_bias");
  require_slices(n.rows, count, slice);
  const nb::gil_scoped_release free;
  for (long s = 0; s < count; ++s) {
    auto own = n;
    auto gradients = g;
    own.rows = s + 1 < count ? slice : n.rows - s * slice, own.x += s * slice * n.inputs;
    gradients.y += s * slice * n.outputs, gradients.weight = weights.at(s), gradients.bias = biases.at(s);
    if (g.x) gradients.x += s * slice * n.inputs;
    grucast::linear_backward(own, gradients, threads);
  }
}

void adamw_step(Array<float> weights, In<float> gradient, Array<float> mean, Array<float> square, long step, double rate,
                double decay) {
  const long size = long(weights.size());
  require(weights.ndim() == 1, "weights", " must be a vector");
  require(step >= 1, "step", " must be 1 or more");
  grucast::AdamW a{size,
                   dense(weights, {size}, "weights"),
                   dense(gradient, {size}, "gradient"),
                   dense(mean, {size}, "mean"),
                   dense(square, {size}, "square"),
                   double(step),
                   rate,
                   decay};
  const nb::gil_scoped_release free;
  grucast::adamw_step(a);
}

template <class T>
double norm(In<T> x) {
  const long size = long(x.size());
  require(x.ndim() == 1, "x", " must be a vector");
  const T *from = dense(x, {size}, "x");
  const nb::gil_scoped_release free;
  return grucast::norm(from, size);
}

template <class T>
const grucast::Kernels<T> &kernels() {
  if constexpr (sizeof(T) == 4)
    return grucast::target().f32;
  else
    return grucast::target().f64;
}

template <class T>
void activate(void (*function)(const T *, T *, long), const In<T> &x, const Array<T> &y) {
  const long size = long(x.size());
  const T *from = dense(x, {size}, "x");
  T *to = dense(y, {size}, "y");
  const nb::gil_scoped_release free;
  function(from, to, size);
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
    const long batch_stride = number();
    return {data, batch_stride, number()};
  }

 private:
  nb::tuple values_;
  std::size_t next_ = 0;
};

void require_memory(const void *data, long elements) { require(data || !elements, "an address is missing"); }

template <class T>
grucast::Direction<T> direction_at(nb::handle values) {
  Members m(values, 21);
  grucast::Direction<T> n{};
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
std::vector<grucast::Direction<T>> directions_at(nb::list values) {
  std::vector<grucast::Direction<T>> all;
  for (nb::handle each : values) {
    const auto n = direction_at<T>(each), &first = all.empty() ? n : all[0];
    const auto sizes = [](const auto &l) { return std::tuple(l.batch, l.steps, l.inputs, l.hidden, l.reset_after, !l.saved); };
    require(sizes(n) == sizes(first), "the directions must have the same sizes");
    all.push_back(n);
  }
  require(!all.empty(), "there must be a direction");
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
void forward_at(nb::list directions, int threads) {
  const auto all = directions_at<T>(directions);
  for (const auto &n : all)
    require_memory(n.output.data, n.batch * n.steps * n.hidden), require_memory(n.final, n.batch * n.hidden);
  const nb::gil_scoped_release free;
  grucast::gru_forward(all.data(), long(all.size()), threads);
}

template <class T>
void backward_at(nb::list directions, nb::list gradients, int threads) {
  const auto all = directions_at<T>(directions);
  for (const auto &n : all) require_memory(n.states, n.steps > 1 ? n.batch * n.hidden : 0);
  std::vector<grucast::Gradients<T>> wanted;
  for (nb::handle each : gradients) wanted.push_back(gradients_at<T>(each));
  require(wanted.size() == all.size(), "there must be gradients for each direction");
  const nb::gil_scoped_release free;
  grucast::gru_backward(all.data(), wanted.data(), long(all.size()), threads);
}

template <class T>
void define(nb::module_ &m) {
  using namespace nb::literals;
  m.def("forward", &forward<T>, "x"_a.noconvert(), "initial"_a.noconvert().none(), "weights"_a.noconvert(), "reset_after"_a,
        "lengths"_a.noconvert().none(), "reverse"_a, "output"_a.noconvert(), "final"_a.noconvert(),
        "gates"_a.noconvert().none(), "threads"_a);
  m.def("backward", &backward<T>, "x"_a.noconvert(), "initial"_a.noconvert().none(), "weights"_a.noconvert(), "reset_after"_a,
        "lengths"_a.noconvert().none(), "reverse"_a, "output"_a.noconvert(), "gates"_a.noconvert(),
        "d_output"_a.noconvert().none(), "d_final"_a.noconvert().none(), "d_x"_a.noconvert().none(),
        "d_initial"_a.noconvert().none(), "d_weights"_a.noconvert(), "slice"_a, "threads"_a);
  m.def("linear", &linear<T>, "x"_a.noconvert(), "weight"_a.noconvert(), "bias"_a.noconvert().none(), "y"_a.noconvert(),
        "threads"_a);
  m.def("linear_backward", &linear_backward<T>, "d_y"_a.noconvert(), "x"_a.noconvert(), "weight"_a.noconvert(),
        "d_x"_a.noconvert().none(), "d_weight"_a.noconvert(), "d_bias"_a.noconvert(), "slice"_a, "threads"_a);
  m.def("norm", &norm<T>, "x"_a.noconvert());
  m.def("sigmoid", [](In<T> x, Array<T> y) { activate(kernels<T>().sigmoid, x, y); }, "x"_a.noconvert(), "y"_a.noconvert());
  m.def("tanh", [](In<T> x, Array<T> y) { activate(kernels<T>().tanh, x, y); }, "x"_a.noconvert(), "y"_a.noconvert());
  m.def("softplus", [](In<T> x, Array<T> y) { activate(kernels<T>().softplus, x, y); }, "x"_a.noconvert(), "y"_a.noconvert());
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
  m.def("saved_size", &grucast::saved_size, "batch"_a, "steps"_a, "hidden"_a, "Elements that forward saves for backward.");
  m.def(
      "forward_at",
      [](bool f64, nb::list directions, int threads) {
        f64 ? forward_at<double>(directions, threads) : forward_at<float>(directions, threads);
      },
      "float64"_a, "directions"_a, "threads"_a);
  m.def(
      "backward_at",
      [](bool f64, nb::list directions, nb::list gradients, int threads) {
        f64 ? backward_at<double>(directions, gradients, threads) : backward_at<float>(directions, gradients, threads);
      },
      "float64"_a, "directions"_a, "gradients"_a, "threads"_a);
  m.def("adamw_step", &adamw_step, "weights"_a.noconvert(), "gradient"_a.noconvert(), "mean"_a.noconvert(),
        "square"_a.noconvert(), "step"_a, "rate"_a, "decay"_a);
  define_forecaster(m);
  define<float>(m);
  define<double>(m);
}
