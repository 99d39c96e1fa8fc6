// What a network sees of a window's values.
#pragma once

namespace grucast {

// Weight of the newest value in the level, and the share of the slope that goes on.
struct Smoothing {
  double weight, trend;
};

// Windows of `steps` values, NaN where not observed; everything is dense.
struct Windows {
  long count, steps, seasons, smoothings, horizon, recent, width;
  const double *history;  // (count, steps)
  const long *season;     // (seasons,), each from 1 to steps
  const Smoothing *smoothing;
  float *inputs;           // (count, steps, width): value, observed flag and a difference for each season come first
  float *continued;        // (count, rows, horizon): see `continuations`
  double *centre, *scale;  // (count,)
  float *naive_error;      // (count,)
  double *moved;           // (count, 2) where there are smoothings, else none
};

// Continuations of a window: two of each season, and where there are smoothings the last value and one of each.
inline long continuations(long seasons, long smoothings) { return 2 * seasons + (smoothings ? 1 + smoothings : 0); }

// The functions of data/features.py and data/smoothing.py, to the same bits; each window by itself.
void window_features(const Windows &w);

}  // namespace grucast
