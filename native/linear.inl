// A linear layer, sixteen outputs in lanes. Every sum starts at its bias and runs over k in order, so a row's bits depend
// on nothing but the row.

template <class V, int N>
inline void linear_rows(const Linear<Num<V>> &n, long row, const Num<V> *panel, const Num<V> *biases, long output, long some) {
  const Num<V> *x = n.x + row * n.inputs;
  Vec<V> sums[N][kVecs<V>];
  for (int r = 0; r < N; ++r) load_all<V>(biases, sums[r]);
  for (long k = 0; k < n.inputs; ++k, panel += kLanes) {
    Vec<V> weights[kVecs<V>];
    load_all<V>(panel, weights);
#pragma GCC unroll 12
    for (int r = 0; r < N; ++r) {
      const Vec<V> factor = V::all(x[r * n.inputs + k]);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs<V>; ++v) sums[r][v] = V::fma(weights[v], factor, sums[r][v]);
    }
  }
  for (int r = 0; r < N; ++r) {
    Num<V> lanes[kLanes];
    store_all<V>(lanes, sums[r]);
    copy(lanes, some, n.y + (row + r) * n.outputs + output);
  }
}

// Outputs 16 * item and the 15 after it, of all rows.
template <class V>
void linear(const Linear<Num<V>> &n, long item, Num<V> *panel) {
  const long first = item * kLanes, some = n.outputs - first < kLanes ? n.outputs - first : kLanes;
  const Num<V> *rows[kLanes];
  Num<V> biases[kLanes];
  for (long o = 0; o < kLanes; ++o) {
    rows[o] = n.weight + (first + (o < some ? o : 0)) * n.inputs;
    biases[o] = o < some ? bias(n.bias, first + o) : 0;
  }
  to_lanes<V>(rows, n.inputs, panel);
  in_blocks<kBlock<V>>(n.rows, [&](auto r, long row) { linear_rows<V, r.value>(n, row, panel, biases, first, some); });
}
