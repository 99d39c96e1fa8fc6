// A chunk's share of the weights' gradients.

// The sum of 16 lanes, always in this order: those 8 apart, then 4, 2 and 1.
template <class T>
inline T sum_lanes(const T *lanes) {
  typedef T Four __attribute__((vector_size(4 * sizeof(T))));
  Four v[4];
  __builtin_memcpy(v, lanes, sizeof v);
  const Four s = (v[0] + v[2]) + (v[1] + v[3]);
  return (s[0] + s[2]) + (s[1] + s[3]);
}

template <class V>
constexpr int kSmallRows = kBlock<V> >= 6 ? kBlock<V> / 3 : 1;

// Few inputs and the biases: for R rows of d and C columns x, sums over (step, lane) of d * x.
template <class V, int R, int C>
inline void small_block(const Num<V> *d, long d_row, const Num<V> *x, long x_row, long count, Num<V> (&out)[R][C]) {
  Vec<V> sums[R][C][kVecs<V>] = {};
  for (long i = 0; i < count * kLanes; i += kLanes)
#pragma GCC unroll 4
    for (int v = 0; v < kVecs<V>; ++v) {
      Vec<V> columns[C];
      each<C>([&](int c) { columns[c] = load<V>(x + c * x_row + i + v * V::kWidth); });
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        const Vec<V> row = load<V>(d + r * d_row + i + v * V::kWidth);
        each<C>([&](int c) { sums[r][c][v] = V::fma(row, columns[c], sums[r][c][v]); });
      }
    }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) {
      Num<V> lanes[kLanes];
      store_all<V>(lanes, sums[r][c]);
      out[r][c] = sum_lanes(lanes);
    }
}

// Adds them to the inputs' sums, and those of the last column, which is all ones, to the biases'.
template <class V>
void small_sums(const Num<V> *d, long d_row, long rows, const Num<V> *x, long x_row, long inputs, long count, Num<V> *to_input,
                long ld, Num<V> *to_bias) {
  in_blocks<kSmallRows<V>>(rows, [&](auto r, long j) {
    in_blocks<3>(inputs + 1, [&](auto c, long i) {
      Num<V> sums[r.value][c.value];
      small_block<V, r.value, c.value>(d + j * d_row, d_row, x + i * x_row, x_row, count, sums);
      for (int a = 0; a < r.value; ++a)
        for (int b = 0; b < c.value; ++b) *(i + b < inputs ? to_input + (j + a) * ld + i + b : to_bias + j + a) += sums[a][b];
    });
  });
}

// Empties the chunk into the group's sums.
template <class V>
void flush(Chunk<V> &c, const Direction<Num<V>> &n, const Partial<Num<V>> &to) {
  const long h = n.hidden, count = c.used * kLanes, capacity = c.steps * kLanes, row = c.stride;
  const long ld = padded(h), ld_x = padded(n.inputs), from_x = (n.reset_after ? 3 : 2) * h;
  const long whole = n.reset_after ? 3 * h : 2 * h;  // rows that multiply the state itself
  outer_product<V>(c.d, row, 1, whole, c.states, capacity, count, h, to.hidden);
  if (!n.reset_after)
    outer_product<V>(c.d + 2 * h * row, row, 1, h, c.reset_states, capacity, count, h, to.hidden + 2 * h * ld);
  if (n.inputs >= kFewInputs) {
    outer_product<V>(c.d, row, 1, 2 * h, c.inputs, capacity, count, n.inputs, to.input);
    outer_product<V>(c.d + from_x * row, row, 1, h, c.inputs, capacity, count, n.inputs, to.input + 2 * h * ld_x);
  }
  const long few = few_inputs(n.inputs);
  const Num<V> *x = c.ones - few * capacity;
  small_sums<V>(c.d, row, 2 * h, x, capacity, few, c.used, to.input, ld_x, to.bias);
  small_sums<V>(c.d + from_x * row, row, h, x, capacity, few, c.used, to.input + 2 * h * ld_x, ld_x, to.bias + from_x);
  if (n.reset_after) small_sums<V>(c.d + 2 * h * row, row, h, c.ones, capacity, 0, c.used, nullptr, 0, to.bias + 2 * h);
  c.used = 0;
}

template <class V>
void backward(const Direction<Num<V>> &n, const Gradients<Num<V>> &g, const Num<V> *packed, long item, Num<V> *scratch,
              Partial<Num<V>> to) {
  Backward<V> b(n, g, item, scratch);
  if (g.final)
    gather_state<V>(b.tile, g.final, b.zeros, b.carry);
  else
    clear(b.carry, n.hidden * kLanes);
  for (long place = b.tile.limit - 1; place >= 0; --place) {
    step_backward(b, item, place, packed);
    if (b.chunk.used == b.chunk.steps || place == 0) flush(b.chunk, n, to);
  }
  if (g.initial) scatter_state<V>(b.tile, b.carry, g.initial, b.discard);
  if (!g.x.data) return;
  for (long i = 0; i < b.tile.rows; ++i)
    for (long t = b.tile.length[i]; t < n.steps; ++t) clear(g.x.at(b.tile.first + i, t), n.inputs);
}
