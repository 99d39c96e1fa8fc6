// Forward over a tile. Each sum starts at its bias, then the input's terms, then the state's.

template <class V>
constexpr int kUnitsAfter = kBlock<V> >= 3 ? kBlock<V> / 3 : 1;  // three gates a unit share a pass
template <class V>
constexpr int kUnitsGates = kBlock<V> >= 2 ? kBlock<V> / 2 : 1;  // reset and update

// What every block of units needs of a step.
template <class V>
struct Step {
  const Layer<Num<V>> &layer;
  const Num<V> *x, *state;  // [I][16], [H][16]
  Num<V> *next;             // [H][16]
  Num<V> *reset_state;      // [H][16], reset * state; before only
  Num<V> *update;           // [H][16]; before only
  Num<V> *saved;            // [H][4][16] or null: reset, update, candidate, recurrent share of the candidate
};

template <class V, int N>
inline void start(Vec<V> (&sums)[N][kVecs<V>], const Num<V> *biases) {
  for (int n = 0; n < N; ++n)
    for (int v = 0; v < kVecs<V>; ++v) sums[n][v] = V::all(biases[n]);
}

template <class V>
inline Vec<V> blend(Vec<V> update, Vec<V> candidate, Vec<V> state) {
  return V::fma(update, state - candidate, candidate);
}

template <class V>
inline Num<V> *saved_unit(Num<V> *saved, long unit, int v) {
  return saved + unit * 4 * kLanes + v * V::kWidth;
}

// Packed: biases r, z, n of x a unit, then n of h a unit; [I][unit][3], [H][unit][3].
template <class V, int U>
inline void block_after(const Step<V> &s, const Num<V> *w, long unit) {
  Vec<V> sums[3 * U][kVecs<V>], from_x[U][kVecs<V>];
  start<V, 3 * U>(sums, w);
  product<V, 3 * U>(sums, w + 4 * U, s.layer.inputs, s.x, kLanes);
  for (int u = 0; u < U; ++u)
    for (int v = 0; v < kVecs<V>; ++v) {
      from_x[u][v] = sums[3 * u + 2][v];
      sums[3 * u + 2][v] = V::all(w[3 * U + u]);
    }
  product<V, 3 * U>(sums, w + 4 * U + 3 * U * s.layer.inputs, s.layer.hidden, s.state, kLanes);
  constexpr int n = kVecs<V>, all = U * n;
  Vec<V> r[all], z[all], c[all];
  each<all>([&](int i) { r[i] = sums[i / n * 3][i % n], z[i] = sums[i / n * 3 + 1][i % n]; });
  sigmoid<V, all>(r);
  each<all>([&](int i) { c[i] = V::fma(r[i], sums[i / n * 3 + 2][i % n], from_x[i / n][i % n]); });
  sigmoid<V, all>(z);
  tanh<V, all>(c);
  each<all>([&](int i) {
    const long at = unit * kLanes + i * V::kWidth;
    store<V>(s.next + at, blend<V>(z[i], c[i], load<V>(s.state + at)));
  });
  if (s.saved) each<all>([&](int i) {
      Num<V> *to = saved_unit<V>(s.saved, unit + i / n, i % n);
      store<V>(to, r[i]);
      store<V>(to + kLanes, z[i]);
      store<V>(to + 2 * kLanes, c[i]);
      store<V>(to + 3 * kLanes, sums[i / n * 3 + 2][i % n]);
    });
}

// Packed: biases r, z a unit; [I][unit][2], [H][unit][2].
template <class V, int U>
inline void block_gates(const Step<V> &s, const Num<V> *w, long unit) {
  Vec<V> sums[2 * U][kVecs<V>];
  start<V, 2 * U>(sums, w);
  product<V, 2 * U>(sums, w + 2 * U, s.layer.inputs, s.x, kLanes);
  product<V, 2 * U>(sums, w + 2 * U + 2 * U * s.layer.inputs, s.layer.hidden, s.state, kLanes);
  constexpr int n = kVecs<V>, all = U * n;
  Vec<V> r[all], z[all];
  each<all>([&](int i) { r[i] = sums[i / n * 2][i % n], z[i] = sums[i / n * 2 + 1][i % n]; });
  sigmoid<V, all>(r);
  sigmoid<V, all>(z);
  each<all>([&](int i) {
    const long at = unit * kLanes + i * V::kWidth;
    store<V>(s.reset_state + at, r[i] * load<V>(s.state + at));
    store<V>(s.update + at, z[i]);
    if (s.saved) store<V>(saved_unit<V>(s.saved, unit + i / n, i % n), r[i]);
    if (s.saved) store<V>(saved_unit<V>(s.saved, unit + i / n, i % n) + kLanes, z[i]);
  });
}

// Packed: bias n a unit; [I][unit], [H][unit].
template <class V, int U>
inline void block_candidate(const Step<V> &s, const Num<V> *w, long unit) {
  Vec<V> sums[U][kVecs<V>];
  start<V, U>(sums, w);
  product<V, U>(sums, w + U, s.layer.inputs, s.x, kLanes);
  product<V, U>(sums, w + U + U * s.layer.inputs, s.layer.hidden, s.reset_state, kLanes);
  constexpr int n = kVecs<V>, all = U * n;
  Vec<V> c[all];
  each<all>([&](int i) { c[i] = sums[i / n][i % n]; });
  tanh<V, all>(c);
  each<all>([&](int i) {
    const long at = unit * kLanes + i * V::kWidth;
    store<V>(s.next + at, blend<V>(load<V>(s.update + at), c[i], load<V>(s.state + at)));
    if (s.saved) store<V>(saved_unit<V>(s.saved, unit + i / n, i % n) + 2 * kLanes, c[i]);
  });
}

template <class V>
void step_forward(const Step<V> &s, const Num<V> *packed) {
  const long units = s.layer.hidden, terms = s.layer.inputs + s.layer.hidden;
  if (s.layer.reset_after)
    return in_blocks<kUnitsAfter<V>>(units, [&](auto u, long unit) {
      block_after<V, u.value>(s, packed + unit * (4 + 3 * terms), unit);
    });
  in_blocks<kUnitsGates<V>>(units, [&](auto u, long unit) {
    block_gates<V, u.value>(s, packed + unit * 2 * (1 + terms), unit);
  });
  packed += units * 2 * (1 + terms);
  in_blocks<kBlock<V>>(units, [&](auto u, long unit) {
    block_candidate<V, u.value>(s, packed + unit * (1 + terms), unit);
  });
}

template <class V>
long packed_forward(const Layer<Num<V>> &n) {
  return n.hidden * (4 + 3 * (n.inputs + n.hidden));
}

template <class V, int U, int G>
Num<V> *pack_block(const Layer<Num<V>> &n, long row, Num<V> *to) {
  for (long i = 0; i < n.inputs; ++i)
    for (int u = 0; u < U; ++u)
      for (int g = 0; g < G; ++g) *to++ = n.weight_ih[(g * n.hidden + row + u) * n.inputs + i];
  for (long k = 0; k < n.hidden; ++k)
    for (int u = 0; u < U; ++u)
      for (int g = 0; g < G; ++g) *to++ = n.weight_hh[(g * n.hidden + row + u) * n.hidden + k];
  return to;
}

template <class V>
void pack_forward(const Layer<Num<V>> &n, Num<V> *to) {
  const long h = n.hidden;
  const auto sum = [&](long i) { return bias(n.bias_ih, i) + bias(n.bias_hh, i); };
  if (n.reset_after)
    return in_blocks<kUnitsAfter<V>>(h, [&](auto u, long unit) {
      for (long i = unit; i < unit + u.value; ++i, to += 3) to[0] = sum(i), to[1] = sum(h + i), to[2] = bias(n.bias_ih, 2 * h + i);
      for (long i = unit; i < unit + u.value; ++i) *to++ = bias(n.bias_hh, 2 * h + i);
      to = pack_block<V, u.value, 3>(n, unit, to);
    });
  in_blocks<kUnitsGates<V>>(h, [&](auto u, long unit) {
    for (long i = unit; i < unit + u.value; ++i, to += 2) to[0] = sum(i), to[1] = sum(h + i);
    to = pack_block<V, u.value, 2>(n, unit, to);
  });
  in_blocks<kBlock<V>>(h, [&](auto u, long unit) {
    for (long i = unit; i < unit + u.value; ++i) *to++ = sum(2 * h + i);
    to = pack_block<V, u.value, 1>(n, 2 * h + unit, to);
  });
}

template <class V>
long scratch_forward(const Layer<Num<V>> &n) {
  return kLanes * (n.inputs + 4 * n.hidden) + n.inputs + n.hidden;
}

template <class V>
void forward(const Layer<Num<V>> &n, const Num<V> *packed, long item, Num<V> *scratch) {
  const long size = n.hidden * kLanes;
  Tile<Num<V>> tile(n, item);
  Num<V> *state = scratch, *next = state + size, *x = next + 3 * size, *spare = x + n.inputs * kLanes;
  clear(spare, n.inputs + n.hidden);
  gather_state<V>(tile, n.initial, spare, state);
  for (long place = 0; place < tile.limit; ++place) {
    const long t = tile.step(place);
    gather_input<V>(tile, t, spare, x);
    Num<V> *saved = n.saved ? n.saved + (item * n.steps + t) * 4 * size : nullptr;
    step_forward<V>(Step<V>{n, x, state, next, scratch + 2 * size, scratch + 3 * size, saved}, packed);
    if (!tile.all_live(t)) {
      tile.mark_live(t);
      for (long i = 0; i < size; i += V::kWidth)
        store<V>(next + i, select<V>(load<V>(tile.live + i % kLanes), load<V>(next + i), load<V>(state + i)));
    }
    scatter_output<V>(tile, t, next, spare + n.inputs);
    Num<V> *old = state;
    state = next, next = old;
  }
  scatter_state<V>(tile, state, n.final, spare + n.inputs);
  clear_output<V>(tile);
}
