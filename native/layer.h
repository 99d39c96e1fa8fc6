// A layer's directions, side by side: packs the weights, shares the rows among threads, sums the groups in order.
#pragma once

#include "gru.h"

namespace grucast {

// Elements of Direction::saved.
long saved_size(long batch, long steps, long hidden);

// Both throw std::invalid_argument as target() does. Results never depend on the number of threads. The `count` directions
// have the same sizes and options, and saved gates all or none. For backward they may instead be slices of one batch, each
// of kLanes rows or more; a slice has the bits that it has alone.
template <class T>
void gru_forward(const Direction<T> *directions, long count, int threads);

// Overwrites everything that the gradients want.
template <class T>
void gru_backward(const Direction<T> *directions, const Gradients<T> *gradients, long count, int threads);

// So many rows of a batch, for backward; `first` is that of a tile, as gates are saved by tiles.
template <class T>
Direction<T> rows_of(Direction<T> n, long first, long rows) {
  n.batch = rows;
  n.x.data = n.x.at(first, 0);
  if (n.states) n.states += first * n.steps * n.hidden;
  if (n.saved) n.saved += first * n.steps * 4 * n.hidden;
  if (n.initial) n.initial += first * n.hidden;
  if (n.lengths) n.lengths += first;
  return n;
}

// The gradients that these rows of n have to themselves.
template <class T>
Gradients<T> rows_of(Gradients<T> g, const Direction<T> &n, long first) {
  if (g.output.data) g.output.data = g.output.at(first, 0);
  if (g.x.data) g.x.data = g.x.at(first, 0);
  if (g.final) g.final += first * n.hidden;
  if (g.initial) g.initial += first * n.hidden;
  return g;
}

// Every row by itself, its sums over the inputs in order.
template <class T>
void linear(const Linear<T> &n, int threads);

// Gradients of the dense layer n; those of weight and bias are sums over the rows in order.
template <class T>
void linear_backward(const Linear<T> &n, const LinearGradients<T> &g, int threads);

}  // namespace grucast
