#include "optimiser.h"

#include <cmath>

namespace grucast {

void adamw_step(const AdamW &a) {
  constexpr double kMean = 0.9, kSquare = 0.999;
  constexpr float kEpsilon = 1e-8f, to_mean = float(1 - kMean), to_square = float(1 - kSquare), keep_square = float(kSquare);
  const float shrink = float(1 - a.rate * a.decay), size = float(-a.rate / (1 - std::pow(kMean, a.step)));
  const float correction = float(std::sqrt(1 - std::pow(kSquare, a.step)));
  float *__restrict weights = a.weights, *__restrict mean = a.mean, *__restrict square = a.square;
  for (long i = 0; i < a.size; ++i) {
    const float g = a.gradient[i];
    mean[i] += to_mean * (g - mean[i]);
    square[i] = square[i] * keep_square + to_square * g * g;
    weights[i] = weights[i] * shrink + size * mean[i] / (std::sqrt(square[i]) / correction + kEpsilon);
  }
}

template <class T>
double norm(const T *x, long size) {
  constexpr long kSums = 16;
  double sums[kSums] = {};
  long i = 0;
  for (; i + kSums <= size; i += kSums)
    for (long k = 0; k < kSums; ++k) sums[k] += double(x[i + k]) * double(x[i + k]);
  for (; i < size; ++i) sums[i % kSums] += double(x[i]) * double(x[i]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

template double norm(const float *, long);
template double norm(const double *, long);

}  // namespace grucast
