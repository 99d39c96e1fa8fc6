// A chunk's share of the weights' gradients.

// The sum of 16 lanes, always in this order.
template <class T>
inline T sum_lanes(const T *lanes) {
  T s[8];
  for (int i = 0; i < 8; ++i) s[i] = lanes[i] + lanes[i + 8];
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

// Few inputs and the biases: for N rows of d, sums over (step, lane) of d * x and of d.
template <class V, int N>
inline void small_block(const Num<V> *d, long d_row, const Num<V> *x, long count, Num<V> *out, long ld) {
  Vec<V> sums[N][kVecs<V>] = {};
  for (long i = 0; i < count; ++i, d += kLanes)
    for (int v = 0; v < kVecs<V>; ++v) {
      const Vec<V> factor = x ? load<V>(x + i * kLanes + v * V::kWidth) : V::all(1);
      for (int n = 0; n < N; ++n) {
        const Vec<V> row = load<V>(d + n * d_row + v * V::kWidth);
        sums[n][v] = x ? V::fma(row, factor, sums[n][v]) : sums[n][v] + row;
      }
    }
  for (int n = 0; n < N; ++n) {
    Num<V> lanes[kLanes];
    for (int v = 0; v < kVecs<V>; ++v) store<V>(lanes + v * V::kWidth, sums[n][v]);
    out[n * ld] += sum_lanes(lanes);
  }
}

template <class V>
void small_sums(const Num<V> *d, long d_row, long rows, const Num<V> *x, long count, Num<V> *out, long ld) {
  in_blocks<4>(rows, [&](auto n, long j) { small_block<V, n.value>(d + j * d_row, d_row, x, count, out + j * ld, ld); });
}

// Empties the chunk into the group's sums.
template <class V>
void flush(Chunk<V> &c, const Layer<Num<V>> &n, const Partial<Num<V>> &to) {
  const long h = n.hidden, count = c.used * kLanes, capacity = c.steps * kLanes, row = c.stride;
  const long ld = padded(h), ld_x = padded(n.inputs), from_x = (n.reset_after ? 3 : 2) * h;
  const long whole = n.reset_after ? 3 * h : 2 * h;  // rows that multiply the state itself
  outer<V>(c.d, row, 1, whole, c.states, capacity, count, h, to.hidden);
  if (!n.reset_after) outer<V>(c.d + 2 * h * row, row, 1, h, c.reset_states, capacity, count, h, to.hidden + 2 * h * ld);
  if (n.inputs >= kFewInputs) {
    outer<V>(c.d, row, 1, 2 * h, c.inputs, capacity, count, n.inputs, to.input);
    outer<V>(c.d + from_x * row, row, 1, h, c.inputs, capacity, count, n.inputs, to.input + 2 * h * ld_x);
  } else {
    for (long i = 0; i < n.inputs; ++i) {
      const Num<V> *x = c.inputs + i * capacity;
      small_sums<V>(c.d, row, 2 * h, x, c.used, to.input + i, ld_x);
      small_sums<V>(c.d + from_x * row, row, h, x, c.used, to.input + 2 * h * ld_x + i, ld_x);
    }
  }
  small_sums<V>(c.d, row, gate_rows<V>(n), nullptr, c.used, to.bias, 1);
  c.used = 0;
}

template <class V>
void backward(const Layer<Num<V>> &n, const Gradients<Num<V>> &g, const Num<V> *packed, long item, Num<V> *scratch,
              Partial<Num<V>> to) {
  Backward<V> b = start_backward<V>(n, g, item, scratch);
  if (g.final)
    gather_state<V>(b.tile, g.final, b.zeros, b.carry);
  else
    clear(b.carry, n.hidden * kLanes);
  for (long place = b.tile.limit - 1; place >= 0; --place) {
    step_backward(b, item, b.tile.step(place), packed);
    if (b.chunk.used == b.chunk.steps || place == 0) flush(b.chunk, n, to);
  }
  scatter_state<V>(b.tile, b.carry, g.initial, b.waste);
  if (!g.x.data) return;
  for (long i = 0; i < b.tile.rows; ++i)
    for (long t = b.tile.length[i]; t < n.steps; ++t) clear(g.x.at(b.tile.first + i, t), n.inputs);
}
