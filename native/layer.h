// A whole layer in one direction: packs the weights, shares the rows among threads, sums the groups in order.
#pragma once

#include "gru.h"

namespace grucast {

// Elements of Layer::saved.
long saved_size(long batch, long steps, long hidden);

// Both throw std::invalid_argument as target() does. Results never depend on the number of threads.
template <class T>
void gru_forward(const Layer<T> &layer, int threads);

// Overwrites everything that `gradients` wants.
template <class T>
void gru_backward(const Layer<T> &layer, const Gradients<T> &gradients, int threads);

}  // namespace grucast
