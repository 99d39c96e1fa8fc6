// A layer's directions, side by side: packs the weights, shares the rows among threads, sums the groups in order.
#pragma once

#include "gru.h"

namespace grucast {

// Elements of Direction::saved.
long saved_size(long batch, long steps, long hidden);

// Both throw std::invalid_argument as target() does. Results never depend on the number of threads. The `count` directions have the same
// sizes and options, and saved gates all or none.
template <class T>
void gru_forward(const Direction<T> *directions, long count, int threads);

// Overwrites everything that the gradients want.
template <class T>
void gru_backward(const Direction<T> *directions, const Gradients<T> *gradients, long count, int threads);

// Every row by itself, its sums over the inputs in order.
template <class T>
void linear(const Linear<T> &n, int threads);

// Gradients of the dense layer n; those of weight and bias are sums over the rows in order.
template <class T>
void linear_backward(const Linear<T> &n, const LinearGradients<T> &g, int threads);

}  // namespace grucast
