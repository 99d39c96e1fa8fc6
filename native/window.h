// What a network sees of a window's values.
#pragma once

namespace grucast {

// Windows of `steps` values, NaN where not observed; everything is dense.
struct Windows {
  long count, steps, seasons, horizon, recent, width;
  const double *history;   // (count, steps)
  const long *season;      // (seasons,), each from 1 to steps
  float *inputs;           // (count, steps, width): value, observed flag and a difference for each season come first
  float *continued;        // (count, 2 seasons, horizon): the last season, the mean of the last three
  double *centre, *scale;  // (count,)
  float *naive_error;      // (count,)
};

// The functions of data/features.py, to the same bits; each window by itself.
void window_features(const Windows &w);

}  // namespace grucast
