// Forward over a tile. Each sum starts at its bias, then the input's terms, then the state's.

template <class V>
constexpr int kUnitsAfter = kBlock<V> >= 3 ? kBlock<V> / 3 : 1;  // three gates a unit share a pass
template <class V>
constexpr int kUnitsGates = kBlock<V> >= 2 ? kBlock<V> / 2 : 1;  // reset and update

// Sums of the gates are stored before any is activated: the long chains of one block's activations would keep the
// processor from starting on the next block's sums. So many units later they are still in the nearest cache.
constexpr long kUnitsApart = 8;

// What every block of units needs of a step.
template <class V>
struct Step {
  const Direction<Num<V>> &direction;
  const Num<V> *x, *state;  // [I][16], [H][16]
  Num<V> *next;             // [H][16]
  Num<V> *reset_state;      // [H][16], reset * state; before only
  Num<V> *gates;            // [H][4][16]: reset, update, candidate, recurrent share of the candidate
};

template <class V, int N>
inline void start(Vec<V> (&sums)[N][kVecs<V>], const Num<V> *biases) {
  for (int n = 0; n < N; ++n)
    for (int v = 0; v < kVecs<V>; ++v) sums[n][v] = V::broadcast(biases[n]);
}

template <class V>
inline Vec<V> blend(Vec<V> update, Vec<V> candidate, Vec<V> state) {
  return V::fma(update, state - candidate, candidate);
}

template <class V, int N>
inline void load_all(const Num<V> *from, Vec<V> (&to)[N]) {
  each<N>([&](int i) { to[i] = load<V>(from + i * V::kWidth); });
}

template <class V, int N>
inline void store_all(Num<V> *to, const Vec<V> (&from)[N]) {
  each<N>([&](int i) { store<V>(to + i * V::kWidth, from[i]); });
}

// Packed: biases r, z, n of x a unit, then n of h a unit; [I][unit][3], [H][unit][3].
template <class V, int U>
inline void block_after(const Step<V> &s, const Num<V> *w, Num<V> *gates) {
  Vec<V> sums[3 * U][kVecs<V>];
  start<V, 3 * U>(sums, w);
  product<V, 3 * U>(sums, w + 4 * U, s.direction.inputs, s.x, kLanes);
  for (int u = 0; u < U; ++u) {
    store_all<V>(gates + (4 * u + 2) * kLanes, sums[3 * u + 2]);
    for (int v = 0; v < kVecs<V>; ++v) sums[3 * u + 2][v] = V::broadcast(w[3 * U + u]);
  }
  product<V, 3 * U>(sums, w + 4 * U + 3 * U * s.direction.inputs, s.direction.hidden, s.state, kLanes);
  for (int u = 0; u < U; ++u) {
    store_all<V>(gates + 4 * u * kLanes, sums[3 * u]);
    store_all<V>(gates + (4 * u + 1) * kLanes, sums[3 * u + 1]);
    store_all<V>(gates + (4 * u + 3) * kLanes, sums[3 * u + 2]);
  }
}

template <class V>
inline void activate_gates(Num<V> *gates, long count) {
  for (long u = 0; u < count; ++u, gates += 4 * kLanes) {
    Vec<V> both[2 * kVecs<V>];
    load_all<V>(gates, both);
    sigmoid<V, 2 * kVecs<V>>(both);
    store_all<V>(gates, both);
  }
}

template <class V, bool after>
inline void activate_candidates(const Step<V> &s, Num<V> *gates, long unit, long count) {
  for (long at = unit * kLanes; at < (unit + count) * kLanes; at += kLanes, gates += 4 * kLanes) {
    Vec<V> z[kVecs<V>], c[kVecs<V>];
    load_all<V>(gates + kLanes, z);
    load_all<V>(gates + 2 * kLanes, c);
    if (after)
      each<kVecs<V>>([&](int i) {
        const Num<V> *gate = gates + i * V::kWidth;
        c[i] = V::fma(load<V>(gate), load<V>(gate + 3 * kLanes), c[i]);
      });
    tanh<V, kVecs<V>>(c);
    store_all<V>(gates + 2 * kLanes, c);
    each<kVecs<V>>([&](int i) {
      const long lane = at + i * V::kWidth;
      store<V>(s.next + lane, blend<V>(z[i], c[i], load<V>(s.state + lane)));
    });
  }
}

// Packed: biases r, z a unit; [I][unit][2], [H][unit][2].
template <class V, int U>
inline void block_gates(const Step<V> &s, const Num<V> *w, Num<V> *gates) {
  Vec<V> sums[2 * U][kVecs<V>];
  start<V, 2 * U>(sums, w);
  product<V, 2 * U>(sums, w + 2 * U, s.direction.inputs, s.x, kLanes);
  product<V, 2 * U>(sums, w + 2 * U + 2 * U * s.direction.inputs, s.direction.hidden, s.state, kLanes);
  for (int u = 0; u < U; ++u) {
    store_all<V>(gates + 4 * u * kLanes, sums[2 * u]);
    store_all<V>(gates + (4 * u + 1) * kLanes, sums[2 * u + 1]);
  }
}

// Packed: bias n a unit; [I][unit], [H][unit].
template <class V, int U>
inline void block_candidate(const Step<V> &s, const Num<V> *w, Num<V> *gates) {
  Vec<V> sums[U][kVecs<V>];
  start<V, U>(sums, w);
  product<V, U>(sums, w + U, s.direction.inputs, s.x, kLanes);
  product<V, U>(sums, w + U + U * s.direction.inputs, s.direction.hidden, s.reset_state, kLanes);
  for (int u = 0; u < U; ++u) store_all<V>(gates + (4 * u + 2) * kLanes, sums[u]);
}

// Calls sums(Int<units>, unit) for the blocks of all units, and activate(unit, count) a few blocks behind.
template <int N, class Sums, class Activate>
inline void in_blocks_apart(long units, Sums sums, Activate activate) {
  long done = 0;
  in_blocks<N>(units, [&](auto u, long unit) {
    sums(u, unit);
    const long end = unit + u.value;
    if (end - done < kUnitsApart && end < units) return;
    activate(done, end - done);
    done = end;
  });
}

template <class V>
void step_forward(const Step<V> &s, const Num<V> *packed) {
  const long units = s.direction.hidden, terms = s.direction.inputs + s.direction.hidden;
  const auto gates = [&](long unit) { return s.gates + unit * 4 * kLanes; };
  if (s.direction.reset_after)
    return in_blocks_apart<kUnitsAfter<V>>(
        units, [&](auto u, long unit) { block_after<V, u.value>(s, packed + unit * (4 + 3 * terms), gates(unit)); },
        [&](long unit, long count) {
          activate_gates<V>(gates(unit), count);
          activate_candidates<V, true>(s, gates(unit), unit, count);
        });
  in_blocks_apart<kUnitsGates<V>>(
      units, [&](auto u, long unit) { block_gates<V, u.value>(s, packed + unit * 2 * (1 + terms), gates(unit)); },
      [&](long unit, long count) {
        activate_gates<V>(gates(unit), count);
        for (long u = unit; u < unit + count; ++u)
          for (long at = 0; at < kLanes; at += V::kWidth)
            store<V>(s.reset_state + u * kLanes + at, load<V>(gates(u) + at) * load<V>(s.state + u * kLanes + at));
      });
  packed += units * 2 * (1 + terms);
  in_blocks_apart<kBlock<V>>(
      units, [&](auto u, long unit) { block_candidate<V, u.value>(s, packed + unit * (1 + terms), gates(unit)); },
      [&](long unit, long count) { activate_candidates<V, false>(s, gates(unit), unit, count); });
}

template <class V>
long packed_forward(const Direction<Num<V>> &n) {
  return n.hidden * (4 + 3 * (n.inputs + n.hidden)) + kLanes;  // interleave() writes behind the last
}

template <class V, int U, int G>
Num<V> *pack_block(const Direction<Num<V>> &n, long row, Num<V> *to) {
  const Num<V> *inputs[U * G], *states[U * G];
  for (int i = 0; i < U * G; ++i) {
    const long at = i % G * n.hidden + row + i / G;
    inputs[i] = n.weight_ih + at * n.inputs, states[i] = n.weight_hh + at * n.hidden;
  }
  return interleave<V, U * G>(states, n.hidden, interleave<V, U * G>(inputs, n.inputs, to));
}

template <class V>
void pack_forward(const Direction<Num<V>> &n, Num<V> *to) {
  const long h = n.hidden;
  const auto sum = [&](long i) { return bias(n.bias_ih, i) + bias(n.bias_hh, i); };
  if (n.reset_after)
    return in_blocks<kUnitsAfter<V>>(h, [&](auto u, long unit) {
      for (long i = unit; i < unit + u.value; ++i, to += 3)
        to[0] = sum(i), to[1] = sum(h + i), to[2] = bias(n.bias_ih, 2 * h + i);
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
struct ForwardScratch {
  Num<V> *state, *next, *reset_state;  // [H][16]
  Num<V> *gates;                       // [H][4][16]; not when they are saved
  Num<V> *x;                           // [I][16]
  Num<V> *zeros, *discard;             // [max(H, I)], [H]
  long size;
  ForwardScratch(const Direction<Num<V>> &n, Num<V> *memory) {
    Carver<Num<V>> carver{memory};
    const long units = n.hidden * kLanes;
    state = carver.take(units), next = carver.take(units), reset_state = carver.take(units);
    gates = carver.take(n.saved ? 0 : 4 * units), x = carver.take(n.inputs * kLanes);
    zeros = carver.take(larger(n.hidden, n.inputs)), discard = carver.take(n.hidden);
    size = carver.size;
  }
};

template <class V>
long scratch_forward(const Direction<Num<V>> &n) {
  return ForwardScratch<V>(n, nullptr).size;
}

template <class V>
void forward(const Direction<Num<V>> &n, const Num<V> *packed, long item, Num<V> *scratch) {
  const long size = n.hidden * kLanes;
  Tile<Num<V>> tile(n, item);
  const ForwardScratch<V> own(n, scratch);
  Num<V> *state = own.state, *next = own.next, *gates = own.gates;
  clear(own.zeros, larger(n.hidden, n.inputs));
  gather_state<V>(tile, n.initial, own.zeros, state);
  for (long place = 0; place < tile.limit; ++place) {
    const long t = tile.step(place);
    gather_input<V>(tile, t, own.zeros, own.x);
    if (n.saved) gates = n.saved + (item * n.steps + t) * 4 * size;
    step_forward<V>(Step<V>{n, own.x, state, next, own.reset_state, gates}, packed);
    if (!tile.all_live(t)) {
      tile.mark_live(t);
      for (long i = 0; i < size; i += V::kWidth)
        store<V>(next + i, select<V>(load<V>(tile.live + i % kLanes), load<V>(next + i), load<V>(state + i)));
    }
    scatter_output<V>(tile, t, next, own.discard);
    Num<V> *old = state;
    state = next, next = old;
  }
  scatter_state<V>(tile, state, n.final, own.discard);
  clear_output<V>(tile);
}
