// The contract of the kernels: one layer in one direction over whole sequences, plain pointers and sizes.
// B batch, T time, I input, H hidden; gates in the order reset, update, candidate. Nothing here owns memory.
#pragma once

#include <cstdint>

namespace grucast {

// Rows of a tile, whatever the vectors of a target hold: sums over rows are cut at tiles, so they never depend on it.
constexpr long kLanes = 16;

// Element (b, t, i) is data[b * batch_stride + t * step_stride + i].
template <class T>
struct Strided {
  T *data;
  long batch_stride, step_stride;
  T *at(long b, long t) const { return data + b * batch_stride + t * step_stride; }
};

template <class T>
struct Direction {
  long batch, steps, inputs, hidden;
  bool reset_after, reverse;
  Strided<const T> x;           // (B, T, I)
  const T *initial;             // (B, H) or null: zeros
  const T *weight_ih;           // (3H, I)
  const T *weight_hh;           // (3H, H)
  const T *bias_ih;             // (3H,) or null
  const T *bias_hh;             // (3H,) or null
  const std::int64_t *lengths;  // (B,), 0 to T, or null
  Strided<T> output;            // (B, T, H); written by forward
  T *final;                     // (B, H)
  T *saved;                     // saved_size() elements for backward, or null: backward recomputes the gates
  T *states;                    // (B, T, H), written by forward unless null, read by backward unless T is 1: the output may
                                // change in other hands
  T *state_at(long b, long t) const { return states + (b * steps + t) * hidden; }
};

template <class T>
struct Gradients {
  Strided<const T> output;  // (B, T, H); data may be null
  const T *final;           // (B, H) or null
  Strided<T> x;             // (B, T, I); data may be null: not wanted
  T *initial;               // (B, H); this and the others may be null: not wanted
  T *weight_ih;             // (3H, I)
  T *weight_hh;             // (3H, H)
  T *bias_ih;               // (3H,)
  T *bias_hh;               // (3H,)
};

// y = x W' + b. Element (b, i) of x is x[b * row_stride + i * input_stride].
template <class T>
struct Linear {
  long rows, inputs, outputs;
  const T *x;  // (rows, inputs)
  long row_stride, input_stride;
  const T *weight;  // (outputs, inputs), or transposed (inputs, outputs); dense
  bool transposed;
  const T *bias;  // (outputs,) or null
  T *y;           // (rows, outputs), dense
};

// Of a linear layer, all dense.
template <class T>
struct LinearGradients {
  const T *y;        // (rows, outputs)
  T *x;              // (rows, inputs); null: not wanted
  T *weight, *bias;  // (outputs, inputs), (outputs,)
};

// Sums over one group of rows: hidden (3H, padded H), input (3H, padded I), bias (4H,).
template <class T>
struct Partial {
  T *hidden, *input, *bias;
};

constexpr long padded(long n) { return (n + 15) / 16 * 16; }

// Steps whose gradients are summed before they join the total; a matter of caches, but part of the order of summation.
constexpr long chunk_steps(long hidden) { return hidden >= 128 ? 8 : hidden <= 32 ? 32 : 1024 / hidden; }

// Inputs as few as these are summed lane by lane; more go through the blocks that sum the state's products.
constexpr long kFewInputs = 8;

// One target's kernels. A unit of work is a tile of 16 rows (batch in lanes) or, for few rows, one row (units in
// lanes); both give the same bits. Sizes are in elements.
template <class T>
struct Kernels {
  struct Work {
    long (*packed_size)(const Direction<T> &);
    void (*pack)(const Direction<T> &, T *packed);
    long (*scratch_size)(const Direction<T> &);
  };
  struct Path {
    Work forward_work, backward_work;
    void (*forward)(const Direction<T> &, const T *packed, long item, T *scratch);
    void (*backward)(const Direction<T> &, const Gradients<T> &, const T *packed, long item, T *scratch, Partial<T>);
  };
  Path tiles, rows;
  // Outputs output .. output + 15 of rows first .. last - 1; the panel is scratch (inputs, 16).
  void (*linear)(const Linear<T> &, long output, long first, long last, T *panel);
  void (*sigmoid)(const T *x, T *y, long n);
  void (*tanh)(const T *x, T *y, long n);
  void (*softplus)(const T *x, T *y, long n);
};

struct Target {
  const char *name;
  Kernels<float> f32;
  Kernels<double> f64;
};

}  // namespace grucast
