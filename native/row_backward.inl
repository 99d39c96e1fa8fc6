// Backward for one row, units in lanes; sums over j in the order of a tile's.

constexpr int kRowSums = 8;

// sums[k] += d[j] * w[j][k], for `count` rows j of w, `columns` wide.
template <class V>
void row_transposed(const Num<V> *w, long columns, long count, const Num<V> *d, Num<V> *sums) {
  in_blocks<kRowSums>(columns / V::kWidth, [&](auto n, long at) {
    Vec<V> acc[n.value];
    for (int v = 0; v < n.value; ++v) acc[v] = load<V>(sums + (at + v) * V::kWidth);
    const Num<V> *from = w + at * V::kWidth;
    for (long j = 0; j < count; ++j, from += columns) {
      const Vec<V> factor = V::broadcast(d[j]);
#pragma GCC unroll 8
      for (int v = 0; v < n.value; ++v) acc[v] = V::fma(load<V>(from + v * V::kWidth), factor, acc[v]);
    }
    for (int v = 0; v < n.value; ++v) store<V>(sums + (at + v) * V::kWidth, acc[v]);
  });
}

template <class V>
long row_packed_backward(const Direction<Num<V>> &n) {
  return 3 * n.hidden * (padded(n.hidden) + padded(n.inputs)) + (n.saved ? 0 : row_packed_forward<V>(n));
}

template <class T>
T *pack_rows(const T *w, long rows, long columns, T *to) {
  for (long j = 0; j < rows; ++j, to += padded(columns)) {
    clear(to, padded(columns));
    copy(w + j * columns, columns, to);
  }
  return to;
}

template <class V>
void row_pack_backward(const Direction<Num<V>> &n, Num<V> *to) {
  const long h = n.hidden, from = wants_previous(n, n.steps - 1) ? 0 : n.reset_after ? 3 * h : 2 * h;
  pack_rows(n.weight_hh + from * h, 3 * h - from, h, to + from * padded(h));
  to = pack_rows(n.weight_ih, 3 * h, n.inputs, to + 3 * h * padded(h));
  if (!n.saved) row_pack_forward<V>(n, to);
}

// One step's d is [gate][padded H]: reset, update, then as in a tile.
template <class V>
struct RowChunk {
  long steps, used, gates;
  Num<V> *d, *states, *reset_states, *inputs;  // [steps][gates][padded H], and panels
};

template <class V>
struct RowBackwardScratch {
  RowChunk<V> chunk;
  Num<V> *carry;      // gradient of the state
  Num<V> *d_product;  // of reset * state; before only
  Num<V> *sums, *zeros, *recomputed;
  RowUnits<V> units;  // its state is that before the step, the others serve to recompute gates
  long size;
  RowBackwardScratch(const Direction<Num<V>> &n, Num<V> *memory) : RowBackwardScratch(n, Carver<Num<V>>{memory}) {}

 private:
  RowBackwardScratch(const Direction<Num<V>> &n, Carver<Num<V>> carver) : units(padded(n.hidden), carver) {
    const long steps = chunk_steps(n.hidden) * kLanes, width = padded(n.hidden), wide = padded(n.inputs);
    chunk = {steps, 0, n.reset_after ? 4 : 3, nullptr, nullptr, nullptr, nullptr};
    chunk.d = carver.take(steps * chunk.gates * width), chunk.states = carver.take(steps * width);
    chunk.reset_states = carver.take(steps * width), chunk.inputs = carver.take(steps * wide);
    carry = carver.take(width), d_product = carver.take(width), sums = carver.take(wide), zeros = carver.take(width);
    recomputed = carver.take(n.saved ? 0 : 4 * width);
    size = carver.size;
  }
};

template <class V>
long row_scratch_backward(const Direction<Num<V>> &n) {
  return RowBackwardScratch<V>(n, nullptr).size;
}

template <class T>
void fill_row(const T *row, long columns, long capacity, long at, T *panels) {
  for (long c = 0; c < columns; c += kLanes, panels += capacity * kLanes) {
    clear(panels + at * kLanes, kLanes);
    copy(row + c, columns - c < kLanes ? columns - c : kLanes, panels + at * kLanes);
  }
}

template <class V>
void row_flush(RowChunk<V> &c, const Direction<Num<V>> &n, const Partial<Num<V>> &to) {
  const long h = n.hidden, width = padded(h), step = c.gates * width;
  for (long g = 0; g < 3; ++g) {
    const Num<V> *z = g == 2 && !n.reset_after ? c.reset_states : c.states;
    const long from_x = g == 2 && n.reset_after ? 3 : g;
    outer_product<V>(c.d + g * width, 1, step, h, z, c.steps, c.used, h, to.hidden + g * h * width);
    outer_product<V>(c.d + from_x * width, 1, step, h, c.inputs, c.steps, c.used, n.inputs,
                     to.input + g * h * padded(n.inputs));
  }
  for (long g = 0; g < c.gates; ++g)
    for (long u = 0; u < h; ++u) {
      Num<V> sum = 0;
      for (long i = 0; i < c.used; ++i) sum += c.d[i * step + g * width + u];
      to.bias[g * h + u] += sum;
    }
  c.used = 0;
}

template <class V>
void row_pass(const Direction<Num<V>> &n, const Num<V> *saved, const Num<V> *packed, Num<V> *d, Num<V> *state, Num<V> *carry,
              Num<V> *d_product) {
  const long width = padded(n.hidden), h = n.hidden;
  for (long u = 0; u < width; u += V::kWidth) {
    const auto gate = [&](int g) { return load<V>(saved + g * width + u); };
    const Gates<V> g{gate(0), gate(1), gate(2), n.reset_after ? gate(3) : V::broadcast(0)};
    const Vec<V> s = load<V>(state + u), gradient = load<V>(carry + u);
    const Passed<V> p = n.reset_after ? pass_after<V>(g, s, gradient) : pass<V>(g, s, gradient);
    if (n.reset_after) store<V>(d + u, p.reset), store<V>(d + 3 * width + u, p.candidate);
    store<V>(d + width + u, p.update);
    store<V>(d + 2 * width + u, n.reset_after ? p.recurrent : p.candidate);
    store<V>(carry + u, p.state);
  }
  if (!n.reset_after) {
    clear(d_product, width);
    row_transposed<V>(packed + 2 * h * width, width, h, d + 2 * width, d_product);
    for (long u = 0; u < width; u += V::kWidth) {
      Vec<V> reset, own = load<V>(carry + u);
      const Vec<V> r = load<V>(saved + u), s = load<V>(state + u);
      pass_before<V>(r, s, load<V>(d_product + u), reset, own);
      store<V>(d + u, reset), store<V>(carry + u, own);
      store<V>(state + u, r * s);
    }
  }
}

template <class V>
void row_pass_state(const Direction<Num<V>> &n, const Num<V> *packed, const Num<V> *d, Num<V> *carry) {
  const long h = n.hidden, width = padded(h);
  for (long g = 0; g < (n.reset_after ? 3 : 2); ++g) row_transposed<V>(packed + g * h * width, width, h, d + g * width, carry);
}

template <class V>
void row_pass_input(const Direction<Num<V>> &n, const Num<V> *packed, const Num<V> *d, Num<V> *sums, Num<V> *to) {
  const long h = n.hidden, width = padded(h), wide = padded(n.inputs);
  clear(sums, wide);
  for (long g = 0; g < 3; ++g)
    row_transposed<V>(packed + 3 * h * width + g * h * wide, wide, h, d + (g == 2 && n.reset_after ? 3 : g) * width, sums);
  copy(sums, n.inputs, to);
}

template <class V>
void row_backward(const Direction<Num<V>> &n, const Gradients<Num<V>> &g, const Num<V> *packed, long row, Num<V> *scratch,
                  Partial<Num<V>> to) {
  const long h = n.hidden, width = padded(h), limit = row_steps<V>(n, row);
  const RowBackwardScratch<V> own(n, scratch);
  RowChunk<V> c = own.chunk;
  const long capacity = c.steps, gates = c.gates;
  Num<V> *state = own.units.state, *carry = own.carry, *zeros = own.zeros;
  const Num<V> *weights = packed + 3 * h * (width + padded(n.inputs));
  const Row<V> r(n, own.units);
  clear(state, width);
  clear(carry, width);
  clear(zeros, width);
  if (g.final) copy(g.final + row * h, h, carry);
  for (long place = limit - 1; place >= 0; --place) {
    const long t = n.reverse ? limit - 1 - place : place;
    const Num<V> *previous = place ? n.state_at(row, n.reverse ? t + 1 : t - 1) : n.initial ? n.initial + row * h : zeros;
    Num<V> *d = c.d + c.used * gates * width;
    copy(previous, h, state);
    fill_row(previous, h, capacity, c.used, c.states);
    fill_row(n.x.at(row, t), n.inputs, capacity, c.used, c.inputs);
    if (g.output.data)
      for (long u = 0; u < h; ++u) carry[u] += g.output.at(row, t)[u];
    if (!n.saved) row_step(r, n.x.at(row, t), weights, own.recomputed, false);
    row_pass<V>(n, n.saved ? n.saved + (row * n.steps + t) * 4 * width : own.recomputed, packed, d, state, carry,
                own.d_product);
    if (wants_previous(n, place)) row_pass_state<V>(n, packed, d, carry);
    if (!n.reset_after) fill_row(state, h, capacity, c.used, c.reset_states);
    if (g.x.data) row_pass_input<V>(n, packed, d, own.sums, g.x.at(row, t));
    if (++c.used == capacity || place == 0) row_flush(c, n, to);
  }
  if (g.initial) copy(carry, h, g.initial + row * h);
  for (long t = limit; g.x.data && t < n.steps; ++t) clear(g.x.at(row, t), n.inputs);
}
