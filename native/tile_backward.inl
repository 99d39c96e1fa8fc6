// Backward over a tile, last step first. A chunk of steps' gradients stays in the cache until it joins the weights'.

// Rows of d, H each: reset, update, then the candidate's sums; after: recurrent share first, input's share second.
template <class V>
struct Chunk {
  long steps, used, stride;  // capacity, steps in it, elements from one row of d to the next
  Num<V> *d;                 // [4H or 3H][steps][16]
  Num<V> *states;            // panels of the previous state, rows [steps * 16][H]
  Num<V> *reset_states;      // the same of reset * state; before only
  Num<V> *inputs;            // panels of x when it has many features, else lanes [I][steps][16]
  Num<V> *ones;              // [steps][16], right behind the lanes: the biases' input
};

// Of n inputs those that are summed lane by lane: all or none.
inline long few_inputs(long n) { return n < kFewInputs ? n : 0; }

template <class V>
long gate_rows(const Direction<Num<V>> &n) {
  return (n.reset_after ? 4 : 3) * n.hidden;
}

template <class V>
struct BackwardScratch {
  Chunk<V> chunk;
  Num<V> *carry;            // [H][16] gradient of the state
  Num<V> *state;            // [H][16] state before the step
  Num<V> *temporary;        // [H][16] gradient of the output, then reset * state
  Num<V> *x;                // [I][16]
  Num<V> *zeros, *discard;  // [max(H, I)]
  Num<V> *recomputed;       // [H][4][16] gates and then [H][2][16] of a step; not when forward saved them
  long size;
  BackwardScratch(const Direction<Num<V>> &n, Num<V> *memory) {
    const long units = n.hidden * kLanes, steps = chunk_steps(n.hidden), panel = steps * kLanes,
               wide = larger(n.hidden, n.inputs);
    Carver<Num<V>> carver{memory};
    // One vector more than the steps: rows that are powers of two apart would share a few sets of the cache.
    chunk.steps = steps, chunk.used = 0, chunk.stride = (steps + 1) * kLanes;
    chunk.d = carver.take(gate_rows<V>(n) * chunk.stride);
    chunk.states = carver.take(panel * padded(n.hidden));
    chunk.reset_states = carver.take(n.reset_after ? 0 : panel * padded(n.hidden));
    chunk.inputs = carver.take(panel * (n.inputs < kFewInputs ? n.inputs : padded(n.inputs)));
    chunk.ones = carver.take(panel);
    carry = carver.take(units), state = carver.take(units), temporary = carver.take(units);
    x = carver.take(n.inputs * kLanes), zeros = carver.take(wide), discard = carver.take(wide);
    recomputed = carver.take(n.saved ? 0 : 6 * units);
    size = carver.size;
  }
};

template <class V>
struct Backward : BackwardScratch<V> {
  const Direction<Num<V>> &direction;
  const Gradients<Num<V>> &gradients;
  Tile<Num<V>> tile;
  Backward(const Direction<Num<V>> &n, const Gradients<Num<V>> &g, long item, Num<V> *scratch)
      : BackwardScratch<V>(n, scratch), direction(n), gradients(g), tile(n, item) {
    for (long i = 0; i < this->chunk.steps * kLanes; ++i) this->chunk.ones[i] = 1;
    clear(this->zeros, larger(n.hidden, n.inputs));
  }
};

template <class V>
long packed_backward(const Direction<Num<V>> &n) {
  return 3 * n.hidden * (n.hidden + n.inputs) + (n.saved ? 0 : packed_forward<V>(n));
}

// Transposed panels: state's, candidate first when its product comes first, then the input's; then forward's own.
template <class V>
void pack_backward(const Direction<Num<V>> &n, Num<V> *to) {
  const long h = n.hidden, gates = n.reset_after ? 3 * h : 2 * h;
  if (wants_previous(n, n.steps - 1)) pack_panels<V>(n.weight_hh, h, h, gates, to);
  if (!n.reset_after) pack_panels<V>(n.weight_hh + 2 * h * h, h, h, h, to + 2 * h * h);
  pack_panels<V>(n.weight_ih, n.inputs, n.inputs, 3 * h, to + 3 * h * h);
  if (!n.saved) pack_forward<V>(n, to + 3 * h * (h + n.inputs));
}

template <class V>
long scratch_backward(const Direction<Num<V>> &n) {
  return BackwardScratch<V>(n, nullptr).size;
}

// Copies rows into panels [columns / 16][capacity][16], at rows `at`..; columns beyond the last are zero.
template <class T>
void fill_panels(const T *const *rows, long columns, long capacity, long at, T *panels) {
  for (long c = 0; c < columns; c += kLanes, panels += capacity * kLanes) {
    const long width = columns - c < kLanes ? columns - c : kLanes;
    for (long b = 0; b < kLanes; ++b) {
      T *to = panels + (at + b) * kLanes;
      if (width < kLanes) clear(to, kLanes);
      if (width == kLanes)
        copy(rows[b] + c, kLanes, to);
      else
        copy(rows[b] + c, width, to);
    }
  }
}

// The rows that the next step will read lie far apart, where the processor wouldn't look ahead by itself.
template <class T>
inline void prefetch_rows(const T *const *rows, long ahead, long n) {
  for (long i = 0; i < kLanes; ++i)
    for (long k = 0; k < n; k += 64 / long(sizeof(T))) __builtin_prefetch(rows[i] + ahead + k);
}

// The state before step t: that of the step computed before it, or the initial state.
template <class V>
void gather_previous(Backward<V> &b, long t) {
  const auto &n = b.direction;
  const Num<V> *rows[kLanes];
  for (long i = 0; i < kLanes; ++i) {
    const long row = b.tile.first + i, before = n.reverse ? t + 1 : t - 1;
    const bool first = n.reverse ? before >= b.tile.length[i] : before < 0;
    rows[i] = !b.tile.has(i, t) ? b.zeros : !first ? n.state_at(row, before) : n.initial ? n.initial + row * n.hidden : b.zeros;
  }
  to_lanes<V>(rows, n.hidden, b.state);
  prefetch_rows(rows, n.reverse ? n.hidden : -n.hidden, n.hidden);
  fill_panels(rows, n.hidden, b.chunk.steps * kLanes, b.chunk.used * kLanes, b.chunk.states);
}

template <class V>
void gather_inputs(Backward<V> &b, long t) {
  const auto &n = b.direction;
  const Num<V> *rows[kLanes];
  for (long i = 0; i < kLanes; ++i) rows[i] = b.tile.has(i, t) ? n.x.at(b.tile.first + i, t) : b.zeros;
  if (n.inputs >= kFewInputs) return fill_panels(rows, n.inputs, b.chunk.steps * kLanes, b.chunk.used * kLanes, b.chunk.inputs);
  to_lanes<V>(rows, n.inputs, b.x);
  for (long i = 0; i < n.inputs; ++i)
    copy(b.x + i * kLanes, kLanes, b.chunk.inputs + (i * b.chunk.steps + b.chunk.used) * kLanes);
}

template <class V>
void add_output_gradient(Backward<V> &b, long t) {
  if (!b.gradients.output.data) return;
  const Num<V> *rows[kLanes];
  for (long i = 0; i < kLanes; ++i) rows[i] = b.tile.has(i, t) ? b.gradients.output.at(b.tile.first + i, t) : b.zeros;
  to_lanes<V>(rows, b.direction.hidden, b.temporary);
  prefetch_rows(rows, b.direction.reverse ? b.gradients.output.step_stride : -b.gradients.output.step_stride,
                b.direction.hidden);
  for (long i = 0; i < b.direction.hidden * kLanes; i += V::kWidth)
    store<V>(b.carry + i, load<V>(b.carry + i) + load<V>(b.temporary + i));
}

// The pointwise part of a step; d's rows are written at `d`, the state's own share replaces the carry.
template <class V, bool after, bool masked>
void pass_gates(Backward<V> &b, const Num<V> *saved, Num<V> *d) {
  const long h = b.direction.hidden, row = b.chunk.stride;
  const Vec<V> zero = V::broadcast(0);
  for (long unit = 0; unit < h; ++unit, saved += 4 * kLanes)
    for (int v = 0; v < kVecs<V>; ++v) {
      const long lane = v * V::kWidth, at = unit * kLanes + lane;
      Gates<V> g{load<V>(saved + lane), load<V>(saved + kLanes + lane), load<V>(saved + 2 * kLanes + lane), zero};
      if (after) g.recurrent = load<V>(saved + 3 * kLanes + lane);
      const Vec<V> carry = load<V>(b.carry + at), state = load<V>(b.state + at);
      Passed<V> p = after ? pass_after<V>(g, state, carry) : pass<V>(g, state, carry);
      if (masked) {
        const Vec<V> live = load<V>(b.tile.live + lane);
        p = Passed<V>{select<V>(live, p.reset, zero), select<V>(live, p.update, zero), select<V>(live, p.recurrent, zero),
                      select<V>(live, p.candidate, zero), select<V>(live, p.state, carry)};
      }
      Num<V> *to = d + unit * row + lane;
      if (after) store<V>(to, p.reset), store<V>(to + 3 * h * row, p.candidate);
      store<V>(to + h * row, p.update);
      store<V>(to + 2 * h * row, after ? p.recurrent : p.candidate);
      store<V>(b.carry + at, p.state);
      if (!after) store<V>(b.temporary + at, g.reset * state);
    }
}

// Reset before: what comes back through the candidate's product, finished where it is summed.
template <class V>
void pass_reset(Backward<V> &b, const Num<V> *saved, const Num<V> *packed, Num<V> *d) {
  const long h = b.direction.hidden, row = b.chunk.stride;
  in_blocks<kBlock<V>>(h, [&](auto n, long unit) {
    Vec<V> sums[n.value][kVecs<V>] = {};
    product<V, n.value>(sums, packed + unit * h, h, d + 2 * h * row, row);
    for (int i = 0; i < n.value; ++i)
      for (int v = 0; v < kVecs<V>; ++v) {
        const long lane = v * V::kWidth, at = (unit + i) * kLanes + lane;
        Vec<V> reset, carry = load<V>(b.carry + at);
        pass_before<V>(load<V>(saved + (unit + i) * 4 * kLanes + lane), load<V>(b.state + at), sums[i][v], reset, carry);
        store<V>(b.carry + at, carry);
        store<V>(d + (unit + i) * row + lane, reset);
      }
  });
}

template <class V>
void pass_state(Backward<V> &b, const Num<V> *packed, const Num<V> *d) {
  const long h = b.direction.hidden, row = b.chunk.stride, gates = b.direction.reset_after ? 3 * h : 2 * h;
  in_blocks<kBlock<V>>(h, [&](auto n, long unit) {
    Vec<V> sums[n.value][kVecs<V>];
    for (int i = 0; i < n.value; ++i)
      for (int v = 0; v < kVecs<V>; ++v) sums[i][v] = load<V>(b.carry + (unit + i) * kLanes + v * V::kWidth);
    product<V, n.value>(sums, packed + unit * gates, gates, d, row);
    for (int i = 0; i < n.value; ++i)
      for (int v = 0; v < kVecs<V>; ++v) store<V>(b.carry + (unit + i) * kLanes + v * V::kWidth, sums[i][v]);
  });
}

template <class V>
void pass_input(Backward<V> &b, long t, const Num<V> *packed, const Num<V> *d) {
  const auto &n = b.direction;
  const long h = n.hidden, row = b.chunk.stride;
  in_blocks<kBlock<V>>(n.inputs, [&](auto size, long i) {
    Vec<V> sums[size.value][kVecs<V>] = {};
    const Num<V> *w = packed + i * 3 * h;
    product<V, size.value>(sums, w, 2 * h, d, row);
    product<V, size.value>(sums, w + 2 * h * size.value, h, d + (n.reset_after ? 3 : 2) * h * row, row);
    for (int k = 0; k < size.value; ++k)
      for (int v = 0; v < kVecs<V>; ++v) store<V>(b.x + (i + k) * kLanes + v * V::kWidth, sums[k][v]);
  });
  Num<V> *rows[kLanes];
  for (long i = 0; i < kLanes; ++i) rows[i] = b.tile.has(i, t) ? b.gradients.x.at(b.tile.first + i, t) : b.discard;
  to_rows<V>(b.x, n.inputs, rows);
}

// The gates of step t: as forward saved them, or recomputed by the same operations from the same numbers.
template <class V>
const Num<V> *gates(const Backward<V> &b, long item, long t, const Num<V> *packed) {
  const auto &n = b.direction;
  const long size = n.hidden * kLanes;
  if (n.saved) return n.saved + (item * n.steps + t) * 4 * size;
  gather_input<V>(b.tile, t, b.zeros, b.x);
  Num<V> *spare = b.recomputed + 4 * size;
  step_forward<V>(Step<V>{n, b.x, b.state, spare, spare + size, b.recomputed}, packed);
  return b.recomputed;
}

template <class V>
void step_backward(Backward<V> &b, long item, long place, const Num<V> *packed) {
  const auto &n = b.direction;
  const long h = n.hidden, t = b.tile.step(place);
  Num<V> *d = b.chunk.d + b.chunk.used * kLanes;
  gather_previous(b, t);
  const Num<V> *saved = gates(b, item, t, packed + 3 * h * (h + n.inputs));
  gather_inputs(b, t);
  add_output_gradient(b, t);
  const bool masked = !b.tile.all_live(t);
  if (masked) b.tile.mark_live(t);
  if (n.reset_after) {
    masked ? pass_gates<V, true, true>(b, saved, d) : pass_gates<V, true, false>(b, saved, d);
  } else {
    masked ? pass_gates<V, false, true>(b, saved, d) : pass_gates<V, false, false>(b, saved, d);
    Num<V> *rows[kLanes];
    for (long k = 0; k < h; k += kLanes) {
      Num<V> *panel = b.chunk.reset_states + k * b.chunk.steps * kLanes + b.chunk.used * kLanes * kLanes;
      for (long i = 0; i < kLanes; ++i) rows[i] = panel + i * kLanes;
      to_rows<V>(b.temporary + k * kLanes, h - k < kLanes ? h - k : kLanes, rows);
    }
    pass_reset(b, saved, packed + 2 * h * h, d);
  }
  if (wants_previous(n, place)) pass_state(b, packed, d);
  if (b.gradients.x.data) pass_input(b, t, packed + 3 * h * h, d);
  ++b.chunk.used;
}
