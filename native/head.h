// The head of the forecaster: from the GRU's final state to ascending quantiles.
#pragma once

namespace grucast {

// A weight (outputs, inputs) with its bias (outputs,); all arrays are dense.
struct Affine {
  long outputs, inputs;
  const float *weight, *bias;
};

struct Head {
  long rows, state, continuations, fixed, known, horizon, quantiles;
  const float *x;                     // (rows, state)
  const float *continued;             // (rows, continuations, horizon)
  const float *statics;               // (rows, fixed)
  const float *ahead;                 // (rows, horizon, known)
  Affine hidden, out, mix;            // the last one with outputs where the continuations have weights
  Affine step_state, step, step_out;  // where something is known ahead
  float *y;                           // (rows, horizon, quantiles)
};

// ForecastNetwork.head of model/network.py; each row by itself.
void head(const Head &n);

// Quantiles on the scale of their windows, and what brings them to the unit of y.
struct Intervals {
  long rows, horizon, quantiles;
  const float *z;                // (rows, horizon, quantiles), ascending
  const double *factors;         // factor of each interval's width, narrowest first
  const double *centre, *scale;  // (rows,)
  const bool *nonnegative;       // (rows,): whether no quantile may be below 0
  double *y;                     // (rows, horizon, quantiles)
};

// The functions of model/models.py for the trained levels, to the same bits.
void intervals(const Intervals &n);

}  // namespace grucast
