// What follows the gradients in a training step, on flat vectors.
#pragma once

namespace grucast {

struct AdamW {
  long size;
  float *weights;
  const float *gradient;
  float *mean, *square;      // running, of the gradient and of its square
  double step, rate, decay;  // the first step is 1
};

// Plain arithmetic, no multiplication fused with an addition: the same bits on every target.
void adamw_step(const AdamW &a);

// The Euclidean norm, its squares summed in double precision, sixteen sums side by side.
template <class T>
double norm(const T *x, long size);

}  // namespace grucast
