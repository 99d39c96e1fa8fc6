// Runs the kernels over random sizes in buffers without a spare element, for the sanitizers to watch; with GUARD_PAGES
// each buffer ends at a page that must not be touched. Results must not depend on threads, nor a row's on its company.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "../../native/dispatch.h"
#include "../../native/head.h"
#include "../../native/layer.h"
#include "../../native/optimiser.h"
#include "../../native/window.h"

using namespace grucast;

namespace {

std::mt19937 random_source(7);

long pick(long low, long high) { return std::uniform_int_distribution<long>(low, high)(random_source); }

#ifdef GUARD_PAGES
constexpr std::size_t kPage = 4096;

// Memory that ends where a forbidden page begins.
template <class T>
struct Allocator {
  using value_type = T;
  static std::size_t pages(std::size_t n) { return (n * sizeof(T) + kPage - 1) / kPage * kPage; }
  T *allocate(std::size_t n) {
    void *all = mmap(nullptr, pages(n) + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) throw std::bad_alloc();
    mprotect(static_cast<char *>(all) + pages(n), kPage, PROT_NONE);
    return reinterpret_cast<T *>(static_cast<char *>(all) + pages(n) - n * sizeof(T));
  }
  void deallocate(T *p, std::size_t n) { munmap(reinterpret_cast<char *>(p + n) - pages(n), pages(n) + kPage); }
  bool operator==(const Allocator &) const { return true; }
  bool operator!=(const Allocator &) const { return false; }
};
#else
template <class T>
using Allocator = std::allocator<T>;
#endif

template <class T>
using Vector = std::vector<T, Allocator<T>>;

template <class T>
Vector<T> normal(long size) {
  std::normal_distribution<T> draw(0, T(0.5));
  Vector<T> values(size);
  for (T &v : values) v = draw(random_source);
  return values;
}

std::string running;  // the case that `require` judges

void begin(const char *kernel, std::initializer_list<std::pair<const char *, long>> sizes) {
  running = kernel;
  for (const auto &[name, size] : sizes) running += std::string(" ") + name + "=" + std::to_string(size);
}

void require(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold on %s: %s: %s\n", target().name, what, running.c_str());
  std::exit(1);
}

// One layer with exact buffers for all that goes in and comes out.
template <class T>
struct Case {
  long B, T_, I, H;
  bool after, reverse, ragged, started, recomputed = false, own_states = true;
  Vector<T> x, initial, w_ih, w_hh, b_ih, b_hh, d_output, d_final;
  Vector<std::int64_t> lengths;

  Case(long b, long t, long i, long h)
      : B(b),
        T_(t),
        I(i),
        H(h),
        after(pick(0, 1)),
        reverse(pick(0, 1)),
        ragged(pick(0, 1)),
        started(pick(0, 1)),
        x(normal<T>(b * t * i)),
        initial(normal<T>(b * h)),
        w_ih(normal<T>(3 * h * i)),
        w_hh(normal<T>(3 * h * h)),
        b_ih(normal<T>(3 * h)),
        b_hh(normal<T>(3 * h)),
        d_output(normal<T>(b * t * h)),
        d_final(normal<T>(b * h)),
        lengths(b) {
    for (auto &n : lengths) n = pick(0, t);
  }
};

template <class T>
struct Result {
  Vector<T> output, final, d_x, d_initial, d_w_ih, d_w_hh, d_b_ih, d_b_hh;
  bool operator==(const Result &o) const {
    return output == o.output && final == o.final && d_x == o.d_x && d_initial == o.d_initial && d_w_ih == o.d_w_ih &&
           d_w_hh == o.d_w_hh && d_b_ih == o.d_b_ih && d_b_hh == o.d_b_hh;
  }
};

// Rows first..first + rows of the case; backward in slices of kLanes rows, the last with all that are left.
template <class T>
Result<T> run(const Case<T> &c, long first, long rows, int threads, long slices = 1) {
  const long H = c.H;
  Result<T> r{
      Vector<T>(rows * c.T_ * H),      Vector<T>(rows * H),           Vector<T>(rows * c.T_ * c.I), Vector<T>(rows * H),
      Vector<T>(slices * 3 * H * c.I), Vector<T>(slices * 3 * H * H), Vector<T>(slices * 3 * H),    Vector<T>(slices * 3 * H)};
  Vector<T> saved(saved_size(rows, c.T_, H)), states(c.T_ > 1 ? rows * c.T_ * H : 0);
  Direction<T> n{};
  n.batch = rows, n.steps = c.T_, n.inputs = c.I, n.hidden = H, n.reset_after = c.after, n.reverse = c.reverse;
  n.x = {c.x.data() + first * c.T_ * c.I, c.T_ * c.I, c.I};
  n.initial = c.started ? c.initial.data() + first * H : nullptr;
  n.weight_ih = c.w_ih.data(), n.weight_hh = c.w_hh.data(), n.bias_ih = c.b_ih.data(), n.bias_hh = c.b_hh.data();
  n.lengths = c.ragged ? c.lengths.data() + first : nullptr;
  n.output = {r.output.data(), c.T_ * H, H};
  n.final = r.final.data(), n.saved = c.recomputed ? nullptr : saved.data(),
  n.states = c.T_ > 1 && c.own_states ? states.data() : nullptr;
  gru_forward(&n, 1, threads);
  const Vector<T> given = r.output;
  if (c.own_states)
    r.output.assign(r.output.size(), T(NAN));  // backward needs none of it
  else
    n.states = r.output.data();
  Gradients<T> g{};
  g.output = {c.d_output.data() + first * c.T_ * H, c.T_ * H, H};
  g.final = c.d_final.data() + first * H;
  g.x = {r.d_x.data(), c.T_ * c.I, c.I};
  g.initial = c.started ? r.d_initial.data() : nullptr;
  std::vector<Direction<T>> directions;
  std::vector<Gradients<T>> gradients;
  for (long s = 0; s < slices; ++s) {
    directions.push_back(slices == 1 ? n : rows_of(n, s * kLanes, s + 1 < slices ? kLanes : rows - s * kLanes));
    gradients.push_back(slices == 1 ? g : rows_of(g, n, s * kLanes));
    auto &own = gradients.back();
    own.weight_ih = r.d_w_ih.data() + s * 3 * H * c.I, own.weight_hh = r.d_w_hh.data() + s * 3 * H * H;
    own.bias_ih = r.d_b_ih.data() + s * 3 * H, own.bias_hh = r.d_b_hh.data() + s * 3 * H;
  }
  gru_backward(directions.data(), gradients.data(), slices, threads);
  r.output = given;
  return r;
}

template <class T>
bool is_part(const Vector<T> &part, const Vector<T> &whole, long place) {
  return std::equal(part.begin(), part.end(), whole.begin() + place * long(part.size()));
}

// Slices of a batch together against each alone.
template <class T>
void check_slices(const Case<T> &c, const Result<T> &whole) {
  const long slices = c.B / kLanes;
  if (slices < 2 || c.T_ < 2) return;
  const Result<T> sliced = run(c, 0, c.B, 3, slices);
  require(sliced.d_x == whole.d_x && sliced.d_initial == whole.d_initial, "rows have the same gradients in slices");
  for (long s = 0; s < slices; ++s) {
    const Result<T> alone = run(c, s * kLanes, s + 1 < slices ? kLanes : c.B - s * kLanes, 1);
    require(is_part(alone.d_w_ih, sliced.d_w_ih, s) && is_part(alone.d_w_hh, sliced.d_w_hh, s) &&
                is_part(alone.d_b_ih, sliced.d_b_ih, s) && is_part(alone.d_b_hh, sliced.d_b_hh, s),
            "a slice has the sums that it has alone");
  }
}

template <class T>
void check(long b, long t, long i, long h) {
  const Case<T> c(b, t, i, h);
  begin("layer", {{"B", b},
                  {"T", t},
                  {"I", i},
                  {"H", h},
                  {"bits", 8 * sizeof(T)},
                  {"reset_after", c.after},
                  {"reverse", c.reverse},
                  {"lengths", c.ragged},
                  {"initial", c.started}});
  const Result<T> whole = run(c, 0, b, 1);
  require(whole == run(c, 0, b, 3), "results are those of one thread");
  Case<T> recomputed = c;
  recomputed.recomputed = true;
  require(whole == run(recomputed, 0, b, 1), "recomputed gates are those saved");
  Case<T> shared = c;
  shared.own_states = false;
  require(whole == run(shared, 0, b, 1), "the output serves as states");
  check_slices(c, whole);
  for (T v : whole.output) require(v > -1e6 && v < 1e6, "outputs are finite");
  for (long row = 0; row < b; row += 7) {
    const Result<T> alone = run(c, row, 1, 1);
    for (long k = 0; k < t * h; ++k) require(alone.output[k] == whole.output[row * t * h + k], "a row alone is the same");
  }
}

template <class T>
void require_near(double sum, T actual, const char *what) {
  const double error = sum - double(actual);
  require(error > -1e-4 && error < 1e-4, what);
}

// A linear layer against sums in double precision, each row also alone.
template <class T>
void check_linear(long rows, long inputs, long outputs) {
  begin("linear", {{"rows", rows}, {"inputs", inputs}, {"outputs", outputs}, {"bits", 8 * sizeof(T)}});
  const Vector<T> x = normal<T>(rows * inputs), weight = normal<T>(outputs * inputs), bias = normal<T>(outputs);
  const auto run = [&](long first, long some, int threads) {
    Vector<T> y(some * outputs);
    linear(Linear<T>{some, inputs, outputs, x.data() + first * inputs, inputs, 1, weight.data(), false, bias.data(), y.data()},
           threads);
    return y;
  };
  const Vector<T> y = run(0, rows, 1);
  require(y == run(0, rows, 3), "a linear layer is that of one thread");
  for (long row = 0; row < rows; ++row) {
    const Vector<T> alone = run(row, 1, 1);
    for (long o = 0; o < outputs; ++o) {
      double sum = bias[o];
      for (long k = 0; k < inputs; ++k) sum += double(x[row * inputs + k]) * double(weight[o * inputs + k]);
      require_near(sum, y[row * outputs + o], "linear sums its products");
      require(alone[o] == y[row * outputs + o], "a row of a linear layer alone is the same");
    }
  }
}

// Its gradients against sums in double precision.
template <class T>
void check_linear_backward(long rows, long inputs, long outputs) {
  begin("linear_backward", {{"rows", rows}, {"inputs", inputs}, {"outputs", outputs}, {"bits", 8 * sizeof(T)}});
  const Vector<T> x = normal<T>(rows * inputs), weight = normal<T>(outputs * inputs), d = normal<T>(rows * outputs);
  const auto run = [&](int threads) {
    std::tuple<Vector<T>, Vector<T>, Vector<T>> result(rows * inputs, outputs * inputs, outputs);
    auto &[d_x, d_weight, d_bias] = result;
    linear_backward(Linear<T>{rows, inputs, outputs, x.data(), inputs, 1, weight.data(), false, nullptr, nullptr},
                    LinearGradients<T>{d.data(), d_x.data(), d_weight.data(), d_bias.data()}, threads);
    return result;
  };
  const auto whole = run(1);
  require(whole == run(3), "gradients of a linear layer are those of one thread");
  const auto &[d_x, d_weight, d_bias] = whole;
  const auto sum = [](long count, auto term) {
    double total = 0;
    for (long k = 0; k < count; ++k) total += double(term(k));
    return total;
  };
  for (long i = 0; i < inputs; ++i) {
    for (long b = 0; b < rows; ++b)
      require_near(sum(outputs, [&](long o) { return d[b * outputs + o] * weight[o * inputs + i]; }), d_x[b * inputs + i],
                   "d_x is right");
    for (long o = 0; o < outputs; ++o)
      require_near(sum(rows, [&](long b) { return d[b * outputs + o] * x[b * inputs + i]; }), d_weight[o * inputs + i],
                   "d_weight is right");
  }
  for (long o = 0; o < outputs; ++o)
    require_near(sum(rows, [&](long b) { return d[b * outputs + o]; }), d_bias[o], "d_bias is right");
}

// One step of the optimiser: the parts of a vector by themselves are the same, the norm is that of the sum.
void check_optimiser(long size) {
  begin("optimiser", {{"size", size}});
  const Vector<float> weights = normal<float>(size), gradient = normal<float>(size), mean = normal<float>(size);
  const auto run = [&](long first, long some) {
    Vector<float> w(weights.begin() + first, weights.begin() + first + some),
        m(mean.begin() + first, mean.begin() + first + some), square(some);
    adamw_step({some, w.data(), gradient.data() + first, m.data(), square.data(), 3, 1e-3, 0.01});
    return w;
  };
  const Vector<float> whole = run(0, size);
  for (long i = 0; i < size; ++i) require(run(i, 1)[0] == whole[i], "a weight alone makes the same step");
  double sum = 0;
  for (const float w : whole) sum += double(w) * double(w);
  require_near(std::sqrt(sum), norm(whole.data(), size), "the norm is right");
}

// What a network sees of windows with gaps, some of equal values: finite, and for each window alone the same.
void check_window(long count, long steps, long seasons, long horizon) {
  Vector<double> history = normal<double>(count * steps);
  for (long row = 0; row < count; ++row)
    if (!pick(0, 3)) std::fill_n(history.begin() + row * steps, steps, double(pick(-1, 1)));
  for (double &y : history)
    if (!pick(0, 3)) y = NAN;
  Vector<long> season(seasons);
  for (long &s : season) s = pick(1, steps);
  const long width = 2 + seasons + pick(0, 3);
  Vector<Smoothing> smoothing(pick(0, 3));
  for (Smoothing &s : smoothing) s = {0.1 * double(pick(1, 10)), 0.5 * double(pick(0, 2))};
  const long smoothings = long(smoothing.size());
  const long recent = pick(1, 2 * steps), row_size = continuations(seasons, smoothings) * horizon;
  begin("window", {{"count", count},
                   {"steps", steps},
                   {"seasons", seasons},
                   {"smoothings", smoothings},
                   {"horizon", horizon},
                   {"recent", recent},
                   {"width", width}});
  const auto run = [&](long first, long some) {
    Vector<float> inputs(some * steps * width), error(some), continued(some * row_size);
    Vector<double> centre(some), scale(some), moved(smoothings ? 2 * some : 0);
    window_features({some, steps, seasons, smoothings, horizon, recent, width, history.data() + first * steps, season.data(),
                     smoothing.data(), inputs.data(), continued.data(), centre.data(), scale.data(), error.data(),
                     moved.data()});
    for (float v : inputs) require(std::isfinite(v), "inputs are finite");
    for (float v : continued) require(std::isfinite(v), "continuations are finite");
    for (double v : moved) require(v >= 0 && std::isfinite(v), "what moved is finite and not negative");
    for (double v : scale) require(v >= 0 && std::isfinite(v), "scales are finite and not negative");
    return continued;
  };
  const Vector<float> whole = run(0, count);
  for (long row = 0; row < count; ++row) {
    const Vector<float> alone = run(row, 1);
    for (long k = 0; k < row_size; ++k)
      require(alone[k] == whole[row * row_size + k], "a window's continuations alone are the same");
  }
}

// The head: ascending quantiles, and for each row alone the same.
void check_head(long rows, long horizon, long pairs, long known) {
  const long state = pick(1, 20), continuations = pick(1, 4), fixed = pick(0, 3), quantiles = 2 * pairs + 1, size = pick(1, 20);
  const long inputs = state + continuations * horizon + fixed, units = pick(1, 20), mixed = pick(0, 1) * continuations;
  begin("head", {{"rows", rows},
                 {"horizon", horizon},
                 {"quantiles", quantiles},
                 {"known", known},
                 {"state", state},
                 {"continuations", continuations},
                 {"fixed", fixed},
                 {"size", size},
                 {"mixed", mixed},
                 {"units", units}});
  const Vector<float> x = normal<float>(rows * state), continued = normal<float>(rows * continuations * horizon);
  const Vector<float> statics = normal<float>(rows * fixed), ahead = normal<float>(rows * horizon * known);
  const auto layer = [](long outputs, long from) { return std::pair(normal<float>(outputs * from), normal<float>(outputs)); };
  const auto hidden = layer(size, inputs), out = layer(horizon * quantiles, size), of_state = layer(units, size);
  const auto step = layer(units, known), last = layer(quantiles, units), mix = layer(mixed, size);
  const auto run = [&](long first, long some) {
    Vector<float> y(some * horizon * quantiles);
    head({some,
          state,
          continuations,
          fixed,
          known,
          horizon,
          quantiles,
          x.data() + first * state,
          continued.data() + first * continuations * horizon,
          statics.data() + first * fixed,
          ahead.data() + first * horizon * known,
          {size, inputs, hidden.first.data(), hidden.second.data()},
          {horizon * quantiles, size, out.first.data(), out.second.data()},
          {mixed, size, mix.first.data(), mix.second.data()},
          {units, size, of_state.first.data(), of_state.second.data()},
          {units, known, step.first.data(), nullptr},
          {quantiles, units, last.first.data(), last.second.data()},
          y.data()});
    return y;
  };
  const Vector<float> whole = run(0, rows);
  const Vector<double> factors(pairs, 1.5), centre = normal<double>(rows), scale(rows, 2.0);
  Vector<double> y(rows * horizon * quantiles);
  Vector<char> flags(rows);
  for (long row = 0; row < rows; ++row) flags[row] = row % 2;
  const bool *nonnegative = reinterpret_cast<const bool *>(flags.data());
  intervals({rows, horizon, quantiles, whole.data(), factors.data(), centre.data(), scale.data(), nonnegative, y.data()});
  for (long i = 0; i < long(y.size()); ++i)
    require(y[i] >= 0 || !flags[i / (horizon * quantiles)], "forecasts that cannot be negative are not");
  for (long i = 0; i < rows * horizon; ++i)
    for (long k = 1; k < quantiles; ++k) require(whole[i * quantiles + k] >= whole[i * quantiles + k - 1], "quantiles ascend");
  for (long row = 0; row < rows; ++row) {
    const Vector<float> alone = run(row, 1);
    for (long k = 0; k < horizon * quantiles; ++k)
      require(alone[k] == whole[row * horizon * quantiles + k], "a row of the head alone is the same");
  }
}

}  // namespace

int main(int, char **argv) {
  const long rounds = std::atol(argv[1]);
  for (long round = 0; round < rounds; ++round) {
    check<float>(pick(0, 70), pick(0, 9), pick(1, 70), pick(1, 70));
    check<double>(pick(0, 70), pick(0, 9), pick(1, 70), pick(1, 70));
    check_linear<float>(pick(0, 40), pick(0, 70), pick(0, 70));
    check_linear<double>(pick(0, 40), pick(0, 70), pick(0, 70));
    check_linear_backward<float>(pick(0, 70), pick(0, 40), pick(0, 40));
    check_linear_backward<double>(pick(0, 70), pick(0, 40), pick(0, 40));
    check_optimiser(pick(0, 70));
    check_window(pick(0, 5), pick(1, 300), pick(1, 3), pick(0, 60));
    check_head(pick(0, 5), pick(1, 30), pick(0, 3), pick(0, 5));
  }
  check<float>(70, 40, 5, 70);  // enough work for several threads
  check_linear<float>(300, 90, 40), check_linear_backward<float>(300, 90, 40);
  std::thread other([] {
    const Case<float> c(40, 30, 3, 40);
    run(c, 0, 40, 2);
  });
  other.join();
  // Two threads in the kernels at the same time.
  const Case<float> one(64, 40, 3, 64), two(64, 40, 3, 64);
  std::thread beside([&] { run(one, 0, 64, 2); });
  run(two, 0, 64, 2);
  beside.join();
  std::printf("%ld rounds hold on %s\n", rounds, target().name);
}
