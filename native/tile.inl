// A tile: 16 rows, one in each lane; absent rows are zeros. Arrays of a tile are [unit][16].

template <class T>
struct Tile {
  const Direction<T> &direction;
  long first, rows;     // of the batch
  long limit, full;     // steps that any row has, and that all have
  long length[kLanes];  // steps of each row
  T live[kLanes];       // 1 where the current step is one of the row's, else 0
  Tile(const Direction<T> &n, long item) : direction(n), first(item * kLanes), limit(0), full(n.steps) {
    rows = n.batch - first < kLanes ? n.batch - first : kLanes;
    for (long b = 0; b < kLanes; ++b) {
      length[b] = b >= rows ? 0 : n.lengths ? long(n.lengths[first + b]) : n.steps;
      if (length[b] > limit) limit = length[b];
      if (b < rows && length[b] < full) full = length[b];
    }
  }
  // The step that comes at `place` in the order of computation.
  long step(long place) const { return direction.reverse ? limit - 1 - place : place; }
  bool has(long b, long t) const { return t < length[b]; }
  bool all_live(long t) const { return t < full; }
  void mark_live(long t) {
    for (long b = 0; b < kLanes; ++b) live[b] = has(b, t) ? T(1) : T(0);
  }
};

// x of step t as lanes [I][16], zero where a row has no such step.
template <class V>
void gather_input(const Tile<Num<V>> &tile, long t, const Num<V> *zeros, Num<V> *lanes) {
  const auto &n = tile.direction;
  const Num<V> *rows[kLanes];
  for (long b = 0; b < kLanes; ++b) rows[b] = tile.has(b, t) ? n.x.at(tile.first + b, t) : zeros;
  to_lanes<V>(rows, n.inputs, lanes);
}

// The state of step t to the output's rows, zero where a row has no such step.
template <class V>
void scatter_output(const Tile<Num<V>> &tile, long t, const Num<V> *state, Num<V> *discard) {
  const auto &n = tile.direction;
  Num<V> *rows[kLanes];
  for (long b = 0; b < kLanes; ++b) rows[b] = tile.has(b, t) ? n.output.at(tile.first + b, t) : discard;
  to_rows<V>(state, n.hidden, rows);
  for (long b = 0; n.states && b < kLanes; ++b)
    if (tile.has(b, t)) copy(rows[b], n.hidden, n.state_at(tile.first + b, t));
}

template <class V>
void clear_output(const Tile<Num<V>> &tile) {
  const auto &n = tile.direction;
  for (long b = 0; b < tile.rows; ++b)
    for (long t = tile.length[b]; t < n.steps; ++t) clear(n.output.at(tile.first + b, t), n.hidden);
}

// (B, H) to lanes and back; `spare` is read or written for absent rows, zeros stand for a null `from`.
template <class V>
void gather_state(const Tile<Num<V>> &tile, const Num<V> *from, const Num<V> *spare, Num<V> *lanes) {
  const Num<V> *rows[kLanes];
  for (long b = 0; b < kLanes; ++b) rows[b] = from && b < tile.rows ? from + (tile.first + b) * tile.direction.hidden : spare;
  to_lanes<V>(rows, tile.direction.hidden, lanes);
}

template <class V>
void scatter_state(const Tile<Num<V>> &tile, const Num<V> *lanes, Num<V> *to, Num<V> *spare) {
  Num<V> *rows[kLanes];
  for (long b = 0; b < kLanes; ++b) rows[b] = b < tile.rows ? to + (tile.first + b) * tile.direction.hidden : spare;
  to_rows<V>(lanes, tile.direction.hidden, rows);
}

template <class V>
inline Vec<V> select(Vec<V> live, Vec<V> yes, Vec<V> no) {
  return live > V::broadcast(0) ? yes : no;
}
