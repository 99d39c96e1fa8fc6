#include "window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace grucast {
namespace {

constexpr long kRepeats = 3;                                              // seasons that a continuation averages
constexpr long kCertain = 8;                                              // equal values after which no other is expected
constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();  // of their size, by which equal values may differ
constexpr double kFar = 100;  // times the size of what a window usually has, from where on a value is a spike
constexpr long kFew = 8;      // values of which none is told to be one
constexpr long kShare = 50;   // a window of so many values may have one spike more
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// In the order of NumPy's sum over a contiguous axis: eight sums side by side, halves where there are many.
double pairwise(const double *x, long n) {
  if (n < 8) {
    double sum = 0;
    for (long i = 0; i < n; ++i) sum += x[i];
    return sum;
  }
  if (n > 128) {
    const long half = n / 2 - n / 2 % 8;
    return pairwise(x, half) + pairwise(x + half, n - half);
  }
  double r[8];
  for (long k = 0; k < 8; ++k) r[k] = x[k];
  long i = 8;
  for (; i < n - n % 8; i += 8)
    for (long k = 0; k < 8; ++k) r[k] += x[i + k];
  double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; ++i) sum += x[i];
  return sum;
}

struct Mean {
  double value;
  long count;
};

// The mean of f(y) over those that are observed, 0 where none is.
template <class F>
Mean observed_mean(const double *y, long n, std::vector<double> &scratch, F f) {
  long count = 0;
  for (long i = 0; i < n; ++i) {
    const bool seen = !std::isnan(y[i]);
    count += seen;
    scratch[i] = seen ? f(y[i]) : 0;
  }
  return {pairwise(scratch.data(), n) / double(count ? count : 1), count};
}

double lower_median(std::vector<double> &values, long count) {
  const auto middle = values.begin() + (count - 1) / 2;
  std::nth_element(values.begin(), middle, values.begin() + count);
  return *middle;
}

// data/spikes.py has the equations.
void drop_spikes(std::vector<double> &y, std::vector<double> &scratch) {
  double largest = 0;
  long small = 0, observed = 0;
  for (const double v : y) largest = std::fabs(v) > largest ? std::fabs(v) : largest;
  for (const double v : y) small += std::fabs(v) * (kFar - 2) <= largest, observed += v == v;
  if (2 * small < observed) return;  // with a spike half of them are, and medians take time
  const auto seen = [](double v) { return !std::isnan(v); };
  const long count = std::copy_if(y.begin(), y.end(), scratch.begin(), seen) - scratch.begin();
  if (count < kFew) return;
  const double median = lower_median(scratch, count);
  for (long i = 0; i < count; ++i) scratch[i] = std::fabs(scratch[i] - median);
  const double usual = std::fabs(median) + lower_median(scratch, count);
  const auto far = [&](double v) { return std::fabs(v - median) > kFar * usual; };
  if (usual > 0 && std::count_if(y.begin(), y.end(), far) <= std::max(count / kShare, 1L))
    std::replace_if(y.begin(), y.end(), far, std::numeric_limits<double>::quiet_NaN());
}

double same(double v) { return v; }

struct Scale {
  double centre, scale;
};

// data/scaling.py has the equations.
Scale scale_of(const double *y, long steps, long recent, std::vector<double> &scratch) {
  Mean mean = observed_mean(y + steps - recent, recent, scratch, same);
  if (!mean.count) mean = observed_mean(y, steps, scratch, same);
  double centre = mean.value, lowest = kInfinity, highest = -kInfinity;
  long count = 0;
  for (long t = 0; t < steps; ++t) {
    if (std::isnan(y[t])) continue;
    ++count, lowest = std::min(lowest, y[t]), highest = std::max(highest, y[t]);
  }
  if (highest - lowest > kRounding * std::fabs(highest))
    return {centre, observed_mean(y, steps, scratch, [&](double v) { return std::fabs(v - centre); }).value};
  if (count) centre = highest;  // free of the mean's rounding
  const double size = centre == 0 ? 1 : std::fabs(centre);
  return {centre, count < kCertain ? std::ldexp(size, 1 - int(std::max(count, 1L))) : 0};
}

// Writes the last season and the mean of the last three; where neither is known, `latest` and `mean` keep what they hold.
void continue_season(const double *z, long steps, long season, long horizon, float *latest, float *mean) {
  for (long k = 0; k < horizon; ++k) {
    double sum = 0;
    long count = 0;
    for (long repeat = 1; repeat <= kRepeats && repeat * season <= steps; ++repeat) {
      const double value = z[steps - repeat * season + k % season];
      if (std::isnan(value)) continue;
      if (!count++) latest[k] = float(value);
      sum += value;
    }
    if (count) mean[k] = float(sum / double(count));
  }
}

float last_observed(const std::vector<double> &z) {
  const auto last = std::find_if(z.rbegin(), z.rend(), [](double v) { return !std::isnan(v); });
  return last == z.rend() ? 0 : float(*last);
}

// What least squares find in a window: the effect of each place in a season, and a slope; time is 0 at the last step.
class Decomposition {
 public:
  Decomposition(const double *z, long steps, long season)
      : z_(z),
        steps_(steps),
        season_(season),
        start_((season - steps % season) % season),
        mean_(season),
        when_(season),
        count_(season),
        effect_(season) {
    each([&](double value, double time, long place) { ++count_[place], mean_[place] += value, when_[place] += time; });
    for (long s = 0; s < season; ++s) {
      const double count = double(std::max(count_[s], 1L));
      mean_[s] /= count, when_[s] /= count;
    }
    std::vector<double> rise(season), spread(season);
    each([&](double value, double time, long place) {
      const double away = time - when_[place];
      rise[place] += away * (value - mean_[place]), spread[place] += away * away;
    });
    double above = 0, below = 0;
    for (long s = 0; s < season; ++s) above += rise[s], below += spread[s];
    slope_ = above / (below > 0 ? below : 1);
  }

  void go_on(Smoothing smoothing, long horizon, float *y) {
    const double slope = smoothing.trend == 0 ? 0 : slope_, level = find_level(smoothing.weight, slope);
    for (long k = 0; k < horizon; ++k) y[k] = float((effect_[k % season_] + level) + smoothing.trend * slope * double(k + 1));
  }

 private:
  // f(value, time, place) of what is observed, from the first step on.
  template <class F>
  void each(F f) const {
    for (long t = 0; t < steps_; ++t)
      if (!std::isnan(z_[t])) f(z_[t], double(t - steps_ + 1), (start_ + t) % season_);
  }

  double find_level(double weight, double slope) {
    double sum = 0;
    long there = 0;
    for (long s = 0; s < season_; ++s) {
      effect_[s] = mean_[s] - slope * when_[s];
      if (count_[s]) ++there, sum += effect_[s];
    }
    const double usual = sum / double(std::max(there, 1L));
    for (long s = 0; s < season_; ++s)
      if (!count_[s]) effect_[s] = usual;
    decay_.assign(steps_, 1);
    for (long t = steps_ - 2; t >= 0; --t) decay_[t] = decay_[t + 1] * (1 - weight);
    double heavy = 0, level = 0;
    each([&](double value, double time, long place) {
      const double own = decay_[steps_ - 1 + long(time)];
      heavy += own, level += own * ((value - effect_[place]) - slope * time);
    });
    return level / (heavy > 0 ? heavy : 1);
  }

  const double *z_;
  long steps_, season_, start_;  // the place of the first step
  std::vector<double> mean_, when_;
  std::vector<long> count_;
  std::vector<double> effect_, decay_;
  double slope_ = 0;
};

}  // namespace

void window_features(const Windows &w) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const long recent = std::min(w.recent, w.steps);
  std::vector<double> y(w.steps), z(w.steps), difference(w.steps), scratch(w.steps);
  for (long row = 0; row < w.count; ++row) {
    std::copy_n(w.history + row * w.steps, w.steps, y.begin());
    drop_spikes(y, scratch);
    float *inputs = w.inputs + row * w.steps * w.width,
          *continued = w.continued + row * continuations(w.seasons, w.smoothings) * w.horizon;
    const auto [centre, scale] = scale_of(y.data(), w.steps, recent, scratch);
    const double divisor = scale == 0 ? kInfinity : scale;
    for (long t = 0; t < w.steps; ++t) {
      z[t] = (y[t] - centre) / divisor;
      const bool seen = !std::isnan(z[t]);
      inputs[t * w.width] = seen ? float(z[t]) : 0;
      inputs[t * w.width + 1] = seen;
    }
    for (long s = 0; s < w.seasons; ++s) {
      const long season = w.season[s];
      for (long t = 0; t < w.steps; ++t) {
        difference[t] = t < season ? none : z[t] - z[t - season];
        inputs[t * w.width + 2 + s] = std::isnan(difference[t]) ? 0 : float(difference[t]);
      }
      if (!s) {
        const Mean error = observed_mean(difference.data(), w.steps, scratch, [](double v) { return std::fabs(v); });
        w.naive_error[row] = float(error.count ? error.value : 1);
      }
      float *latest = continued + 2 * s * w.horizon, *mean = latest + w.horizon;
      s ? std::copy(latest - 2 * w.horizon, latest, latest) : std::fill_n(latest, 2 * w.horizon, last_observed(z));
      continue_season(z.data(), w.steps, season, w.horizon, latest, mean);
    }
    if (w.smoothings) {
      float *levels = std::fill_n(continued + 2 * w.seasons * w.horizon, w.horizon, last_observed(z));
      const long first = std::find_if(z.begin(), z.end(), [](double v) { return !std::isnan(v); }) - z.begin();
      Decomposition parts(z.data(), w.steps, w.steps - first < w.season[0] ? 1 : w.season[0]);
      for (long k = 0; k < w.smoothings; ++k) parts.go_on(w.smoothing[k], w.horizon, levels + k * w.horizon);
      difference[0] = none;
      for (long t = 1; t < w.steps; ++t) difference[t] = std::fabs(z[t] - z[t - 1]);
      const long late = std::min(w.horizon, w.steps);
      w.moved[2 * row] = observed_mean(difference.data(), w.steps, scratch, same).value;
      w.moved[2 * row + 1] = observed_mean(difference.data() + w.steps - late, late, scratch, same).value;
    }
    w.centre[row] = centre, w.scale[row] = scale;
  }
}

}  // namespace grucast
