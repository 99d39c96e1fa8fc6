// One row at a time, its units in lanes: the same sums in the same order as a tile's, so the same bits.

constexpr int kRowVecs = 4;  // vectors of units that share a pass over k

// Arrays of units rounded up to whole vectors.
template <class V>
struct RowUnits {
  Num<V> *state, *next, *reset_state, *update;
  RowUnits(long width, Carver<Num<V>> &carver)
      : state(carver.take(width)), next(carver.take(width)), reset_state(carver.take(width)), update(carver.take(width)) {}
};

template <class V>
struct Row : RowUnits<V> {
  const Direction<Num<V>> &direction;
  long width;  // units rounded up
  Row(const Direction<Num<V>> &n, const RowUnits<V> &units) : RowUnits<V>(units), direction(n), width(padded(n.hidden)) {}
};

template <class V>
long row_steps(const Direction<Num<V>> &n, long row) {
  return n.lengths ? long(n.lengths[row]) : n.steps;
}

template <class V>
long vectors(long units) {
  return (units + V::kWidth - 1) / V::kWidth;
}

// sums[g][v] += in[k] * w[k][g][v]
template <class V, int G, int N>
inline void row_product(Vec<V> (&sums)[G][N], const Num<V> *w, long count, const Num<V> *in) {
  for (long k = 0; k < count; ++k, w += G * N * V::kWidth) {
    const Vec<V> factor = V::broadcast(in[k]);
#pragma GCC unroll 3
    for (int g = 0; g < G; ++g)
#pragma GCC unroll 4
      for (int v = 0; v < N; ++v) sums[g][v] = V::fma(load<V>(w + (g * N + v) * V::kWidth), factor, sums[g][v]);
  }
}

template <class V, int N>
inline void row_start(Vec<V> (&sums)[N], const Num<V> *biases) {
  for (int v = 0; v < N; ++v) sums[v] = load<V>(biases + v * V::kWidth);
}

template <class V>
inline void save(Num<V> *saved, long width, long unit, int what, Vec<V> value) {
  if (saved) store<V>(saved + what * width + unit, value);
}

// Packed: biases r, z, n of x, n of h; [I][3], [H][3]; N vectors each.
template <class V, int N>
inline void row_after(const Row<V> &r, const Num<V> *x, const Num<V> *w, long unit, Num<V> *saved) {
  constexpr int wide = N * V::kWidth;
  Vec<V> sums[3][N], from_x[N];
  for (int g = 0; g < 3; ++g) row_start<V, N>(sums[g], w + g * wide);
  row_product<V, 3, N>(sums, w + 4 * wide, r.direction.inputs, x);
  for (int v = 0; v < N; ++v) from_x[v] = sums[2][v];
  row_start<V, N>(sums[2], w + 3 * wide);
  row_product<V, 3, N>(sums, w + (4 + 3 * r.direction.inputs) * wide, r.direction.hidden, r.state);
  sigmoid<V, N>(sums[0]);
  each<N>([&](int v) { from_x[v] = V::fma(sums[0][v], sums[2][v], from_x[v]); });
  sigmoid<V, N>(sums[1]);
  tanh<V, N>(from_x);
  each<N>([&](int v) {
    const long at = unit + v * V::kWidth;
    store<V>(r.next + at, blend<V>(sums[1][v], from_x[v], load<V>(r.state + at)));
    save<V>(saved, r.width, at, 0, sums[0][v]), save<V>(saved, r.width, at, 1, sums[1][v]);
    save<V>(saved, r.width, at, 2, from_x[v]), save<V>(saved, r.width, at, 3, sums[2][v]);
  });
}

template <class V, int N>
inline void row_gates(const Row<V> &r, const Num<V> *x, const Num<V> *w, long unit, Num<V> *saved) {
  constexpr int wide = N * V::kWidth;
  Vec<V> sums[2][N];
  for (int g = 0; g < 2; ++g) row_start<V, N>(sums[g], w + g * wide);
  row_product<V, 2, N>(sums, w + 2 * wide, r.direction.inputs, x);
  row_product<V, 2, N>(sums, w + (2 + 2 * r.direction.inputs) * wide, r.direction.hidden, r.state);
  sigmoid<V, N>(sums[0]);
  sigmoid<V, N>(sums[1]);
  each<N>([&](int v) {
    const long at = unit + v * V::kWidth;
    store<V>(r.reset_state + at, sums[0][v] * load<V>(r.state + at));
    store<V>(r.update + at, sums[1][v]);
    save<V>(saved, r.width, at, 0, sums[0][v]), save<V>(saved, r.width, at, 1, sums[1][v]);
  });
}

template <class V, int N>
inline void row_candidate(const Row<V> &r, const Num<V> *x, const Num<V> *w, long unit, Num<V> *saved) {
  constexpr int wide = N * V::kWidth;
  Vec<V> sums[1][N];
  row_start<V, N>(sums[0], w);
  row_product<V, 1, N>(sums, w + wide, r.direction.inputs, x);
  row_product<V, 1, N>(sums, w + (1 + r.direction.inputs) * wide, r.direction.hidden, r.reset_state);
  tanh<V, N>(sums[0]);
  each<N>([&](int v) {
    const long at = unit + v * V::kWidth;
    store<V>(r.next + at, blend<V>(load<V>(r.update + at), sums[0][v], load<V>(r.state + at)));
    save<V>(saved, r.width, at, 2, sums[0][v]);
  });
}

// Every other step goes through the weights backwards: those read last are still in the L1 cache.
template <class V>
void row_step(const Row<V> &r, const Num<V> *x, const Num<V> *packed, Num<V> *saved, bool backwards) {
  const long count = vectors<V>(r.direction.hidden), terms = r.direction.inputs + r.direction.hidden;
  if (r.direction.reset_after)
    return in_blocks_either_way<kRowVecs>(count, backwards, [&](auto n, long v) {
      row_after<V, n.value>(r, x, packed + v * V::kWidth * (4 + 3 * terms), v * V::kWidth, saved);
    });
  in_blocks_either_way<kRowVecs>(count, backwards, [&](auto n, long v) {
    row_gates<V, n.value>(r, x, packed + v * V::kWidth * 2 * (1 + terms), v * V::kWidth, saved);
  });
  packed += count * V::kWidth * 2 * (1 + terms);
  in_blocks_either_way<kRowVecs>(count, backwards, [&](auto n, long v) {
    row_candidate<V, n.value>(r, x, packed + v * V::kWidth * (1 + terms), v * V::kWidth, saved);
  });
}

template <class V>
long row_packed_forward(const Direction<Num<V>> &n) {
  return padded(n.hidden) * (4 + 3 * (n.inputs + n.hidden));
}

// `wide` units from `unit` on of gates from..to: weights [columns][gate][wide], transposed; 0 where there is no unit.
template <class V>
Num<V> *pack_units(const Num<V> *w, long columns, long units, long unit, long wide, long from, long to, Num<V> *out) {
  constexpr long side = V::Square::kSide;
  const long gates = to - from;
  for (long g = 0; g < gates; ++g)
    for (long u = 0; u < wide; u += side) {
      const Num<V> *rows[side];
      const long some = units - unit - u;
      for (long i = 0; i < side; ++i) rows[i] = w + ((from + g) * units + (i < some ? unit + u + i : 0)) * columns;
      to_columns<V>(rows, columns, out + g * wide + u, gates * wide);
      for (long i = some < 0 ? 0 : some; i < side; ++i)
        for (long k = 0; k < columns; ++k) out[(k * gates + g) * wide + u + i] = 0;
    }
  return out + columns * gates * wide;
}

template <class V>
void row_pack_forward(const Direction<Num<V>> &n, Num<V> *to) {
  const long h = n.hidden, count = vectors<V>(h);
  const auto block = [&](long v, long wide, long from, long until) {
    const long unit = v * V::kWidth;
    const auto biases = [&](const Num<V> *a, const Num<V> *b, long g) {
      for (long u = unit; u < unit + wide; ++u) *to++ = u < h ? bias(a, g * h + u) + bias(b, g * h + u) : 0;
    };
    const Num<V> *none = nullptr;
    const bool split = n.reset_after;
    for (long g = from; g < until; ++g) biases(n.bias_ih, g == 2 && split ? none : n.bias_hh, g);
    if (split) biases(none, n.bias_hh, 2);
    to = pack_units<V>(n.weight_ih, n.inputs, h, unit, wide, from, until, to);
    to = pack_units<V>(n.weight_hh, h, h, unit, wide, from, until, to);
  };
  if (n.reset_after) return in_blocks<kRowVecs>(count, [&](auto s, long v) { block(v, s.value * V::kWidth, 0, 3); });
  in_blocks<kRowVecs>(count, [&](auto s, long v) { block(v, s.value * V::kWidth, 0, 2); });
  in_blocks<kRowVecs>(count, [&](auto s, long v) { block(v, s.value * V::kWidth, 2, 3); });
}

template <class V>
long row_scratch_forward(const Direction<Num<V>> &n) {
  Carver<Num<V>> carver{nullptr};
  RowUnits<V>(padded(n.hidden), carver);
  return carver.size;
}

template <class V>
void row_forward(const Direction<Num<V>> &n, const Num<V> *packed, long row, Num<V> *scratch) {
  const long width = padded(n.hidden), limit = row_steps<V>(n, row);
  Carver<Num<V>> carver{scratch};
  Row<V> r(n, RowUnits<V>(width, carver));
  clear(r.state, width);
  if (n.initial) copy(n.initial + row * n.hidden, n.hidden, r.state);
  for (long place = 0; place < limit; ++place) {
    const long t = n.reverse ? limit - 1 - place : place;
    row_step(r, n.x.at(row, t), packed, n.saved ? n.saved + (row * n.steps + t) * 4 * width : nullptr, place % 2);
    copy(r.next, n.hidden, n.output.at(row, t));
    if (n.states) copy(r.next, n.hidden, n.state_at(row, t));
    Num<V> *old = r.state;
    r.state = r.next, r.next = old;
  }
  copy(r.state, n.hidden, n.final + row * n.hidden);
  for (long t = limit; t < n.steps; ++t) clear(n.output.at(row, t), n.hidden);
}
