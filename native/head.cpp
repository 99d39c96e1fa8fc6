#include "head.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "layer.h"

namespace grucast {
namespace {

void apply(const Affine &a, const float *x, long rows, float *y) {
  linear(Linear<float>{rows, a.inputs, a.outputs, x, a.inputs, 1, a.weight, false, a.bias, y}, 1);
}

void relu(std::vector<float> &x) {
  for (float &v : x) v = std::max(v, 0.0f);
}

float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); }

// The median, and from it outwards each quantile a positive distance further, in place.
void spread(float base, float *q, long quantiles) {
  const long middle = quantiles / 2;
  const float median = base + q[middle];
  float below = 0, above = 0;
  for (long k = 1; k <= middle; ++k) {
    q[middle - k] = median - (below += softplus(q[middle - k]));
    q[middle + k] = median + (above += softplus(q[middle + k]));
  }
  q[middle] = median;
}

}  // namespace

void head(const Head &n) {
  const long wide = n.continuations * n.horizon, width = n.hidden.inputs, outputs = n.horizon * n.quantiles;
  std::vector<float> joined(n.rows * width), hidden(n.rows * n.hidden.outputs);
  for (long row = 0; row < n.rows; ++row) {
    float *to = std::copy_n(n.x + row * n.state, n.state, joined.data() + row * width);
    to = std::copy_n(n.continued + row * wide, wide, to);
    std::copy_n(n.statics + row * n.fixed, n.fixed, to);
  }
  apply(n.hidden, joined.data(), n.rows, hidden.data());
  relu(hidden);
  apply(n.out, hidden.data(), n.rows, n.y);
  if (n.known) {
    const long steps = n.rows * n.horizon, size = n.step.outputs;
    std::vector<float> of_state(n.rows * size), units(steps * size), correction(steps * n.quantiles);
    apply(n.step_state, hidden.data(), n.rows, of_state.data());
    apply(n.step, n.ahead, steps, units.data());
    for (long step = 0; step < steps; ++step) {
      const float *own = of_state.data() + step / n.horizon * size;
      for (long i = 0; i < size; ++i) units[step * size + i] += own[i];
    }
    relu(units);
    apply(n.step_out, units.data(), steps, correction.data());
    for (long i = 0; i < n.rows * outputs; ++i) n.y[i] += correction[i];
  }
  std::vector<float> mix(n.rows * n.mix.outputs);
  if (n.mix.outputs) apply(n.mix, hidden.data(), n.rows, mix.data());
  for (long row = 0; row < n.rows; ++row)
    for (long k = 0; k < n.horizon; ++k) {
      const float *continued = n.continued + row * wide + k;
      float sum = 0, weighted = 0;
      for (long c = 0; c < n.continuations; ++c) sum += continued[c * n.horizon];
      for (long c = 0; c < n.mix.outputs; ++c) weighted += mix[row * n.mix.outputs + c] * continued[c * n.horizon];
      spread(sum / float(n.continuations) + weighted, n.y + row * outputs + k * n.quantiles, n.quantiles);
    }
}

void intervals(const Intervals &n) {
  const long middle = n.quantiles / 2;
  for (long i = 0; i < n.rows * n.horizon; ++i) {
    const float *z = n.z + i * n.quantiles, median = z[middle];
    double *y = n.y + i * n.quantiles, below = 0, above = 0;
    const double centre = n.centre[i / n.horizon], scale = n.scale[i / n.horizon];
    y[middle] = centre + scale * double(median);
    for (long k = 1; k <= middle; ++k) {
      below = std::max(below, double(median - z[middle - k]) * n.factors[k - 1]);
      above = std::max(above, double(z[middle + k] - median) * n.factors[k - 1]);
      y[middle - k] = centre + scale * (double(median) - below);
      y[middle + k] = centre + scale * (double(median) + above);
    }
    for (long k = 0; n.nonnegative[i / n.horizon] && k < n.quantiles; ++k) y[k] = std::max(y[k], 0.0);
  }
}

}  // namespace grucast
