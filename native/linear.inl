// A linear layer, sixteen outputs in lanes. Every sum starts at its bias and runs over k in order, so a row's bits depend
// on nothing but the row.

template <class V, int N>
inline void linear_rows(const Linear<Num<V>> &n, long row, const Num<V> *panel, long ahead, const Num<V> *biases, long output,
                        long some) {
  const Num<V> *x = n.x + row * n.row_stride;
  Vec<V> sums[N][kVecs<V>];
  for (int r = 0; r < N; ++r) load_all<V>(biases, sums[r]);
  for (long k = 0; k < n.inputs; ++k, panel += ahead, x += n.input_stride) {
    Vec<V> weights[kVecs<V>];
    load_all<V>(panel, weights);
#pragma GCC unroll 12
    for (int r = 0; r < N; ++r) {
      const Vec<V> factor = V::broadcast(x[r * n.row_stride]);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs<V>; ++v) sums[r][v] = V::fma(weights[v], factor, sums[r][v]);
    }
  }
  for (int r = 0; r < N; ++r) {
    Num<V> *to = n.y + (row + r) * n.outputs + output, lanes[kLanes];
    store_all<V>(some == kLanes ? to : lanes, sums[r]);
    if (some < kLanes) copy(lanes, some, to);
  }
}

// The weights of 16 outputs, of which `some` exist, as [inputs][16].
template <class V>
void weight_panel(const Linear<Num<V>> &n, long output, long some, Num<V> *panel) {
  if (!n.transposed) {
    const Num<V> *rows[kLanes];
    for (long o = 0; o < kLanes; ++o) rows[o] = n.weight + (output + (o < some ? o : 0)) * n.inputs;
    return to_lanes<V>(rows, n.inputs, panel);
  }
  const Num<V> *from = n.weight + output;
  if (some < kLanes) clear(panel, n.inputs * kLanes);
  for (long k = 0; k < n.inputs; ++k, from += n.outputs, panel += kLanes) {
    if (some == kLanes)
      copy(from, kLanes, panel);
    else
      copy(from, some, panel);
  }
}

template <class V>
void linear(const Linear<Num<V>> &n, long output, long first, long last, Num<V> *panel) {
  const long some = n.outputs - output < kLanes ? n.outputs - output : kLanes;
  Num<V> biases[kLanes];
  for (long o = 0; o < kLanes; ++o) biases[o] = o < some ? bias(n.bias, output + o) : 0;
  const bool in_place = n.transposed && some == kLanes && last - first <= kBlock<V>;  // a single pass is not worth a copy
  const Num<V> *weights = in_place ? n.weight + output : panel;
  const long ahead = in_place ? n.outputs : kLanes;
  if (!in_place) weight_panel<V>(n, output, some, panel);
  in_blocks<kBlock<V>>(
      last - first, [&](auto r, long row) { linear_rows<V, r.value>(n, first + row, weights, ahead, biases, output, some); });
}
