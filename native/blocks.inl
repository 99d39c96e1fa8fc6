// The pieces all kernels are made of. Every sum runs over k in order, one fused multiply-add a term.

template <class V>
using Num = typename V::Scalar;

// Vectors that hold the 16 rows of a tile.
template <class V>
constexpr int kVecs = int(kLanes) / V::kWidth;

template <class V>
inline Vec<V> load(const Num<V> *p) {
  Vec<V> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class V>
inline void store(Num<V> *p, Vec<V> v) {
  __builtin_memcpy(p, &v, sizeof v);
}

template <class T>
inline void copy(const T *from, long n, T *to) {
  __builtin_memcpy(to, from, n * sizeof(T));
}

template <class T>
inline void clear(T *p, long n) {
  __builtin_memset(p, 0, n * sizeof(T));
}

template <class T>
inline T bias(const T *b, long i) {
  return b ? b[i] : 0;
}

inline long larger(long a, long b) { return a > b ? a : b; }

// Arrays laid one behind the other in scratch memory, each from a cache line of its own; where there is no memory, only
// measured.
template <class T>
struct Carver {
  T *memory;
  long size = 0;
  T *take(long elements) {
    T *place = memory ? memory + size : nullptr;
    size += padded(elements);
    return place;
  }
};

template <int N>
struct Int {
  static constexpr int value = N;
};

template <int N, class F>
inline void with_size(long size, F f) {
  if constexpr (N > 1) {
    if (size < N) return with_size<N - 1>(size, f);
  }
  f(Int<N>{});
}

// Cuts 0..count into blocks of N, the last two evenly, and calls f(Int<size>, begin).
template <int N, class F>
inline void in_blocks(long count, F f) {
  for (long begin = 0; begin < count;) {
    const long left = count - begin;
    const long size = left >= 2 * N || left == N ? N : left > N ? (left + 1) / 2 : left;
    with_size<N>(size, [&](auto n) { f(n, begin); });
    begin += size;
  }
}

// The same blocks, the last one first if `backwards`.
template <int N, class F>
inline void in_blocks_either_way(long count, bool backwards, F f) {
  const long blocks = (count + N - 1) / N, uneven = count % N ? (blocks < 2 ? 0 : blocks - 2) * N : count;
  const auto start = [&](long block) {
    const long whole = block * N;
    return block == blocks ? count : whole <= uneven ? whole : uneven + (count - uneven + 1) / 2;
  };
  for (long i = 0; i < blocks; ++i) {
    const long block = backwards ? blocks - 1 - i : i, begin = start(block);
    with_size<N>(start(block + 1) - begin, [&](auto n) { f(n, begin); });
  }
}

// sums[n][lane] += w[k][n] * in[k][lane]
template <class V, int N>
inline void product(Vec<V> (&sums)[N][kVecs<V>], const Num<V> *w, long count, const Num<V> *in, long stride) {
  for (long k = 0; k < count; ++k, w += N, in += stride) {
    Vec<V> lanes[kVecs<V>];
    for (int v = 0; v < kVecs<V>; ++v) lanes[v] = load<V>(in + v * V::kWidth);
#pragma GCC unroll 12
    for (int n = 0; n < N; ++n) {
      const Vec<V> weight = V::broadcast(w[n]);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs<V>; ++v) sums[n][v] = V::fma(weight, lanes[v], sums[n][v]);
    }
  }
}

// Panels for product(): for each block of N outputs, [k][N]; outputs lie side by side.
template <class V>
void pack_panels(const Num<V> *w, long k_stride, long outputs, long count, Num<V> *packed) {
  in_blocks<kBlock<V>>(outputs, [&](auto n, long begin) {
    for (long k = 0; k < count; ++k, packed += n.value) copy(w + begin + k * k_stride, n.value, packed);
  });
}

// out[j][16] += sum over i of d[j * d_row + i * d_step] * z[i][16], for a block of j
template <class V, int N>
inline void outer_product_block(const Num<V> *d, long d_row, long d_step, const Num<V> *z, long count, Num<V> *out, long ld) {
  Vec<V> sums[N][kVecs<V>] = {};
  for (long i = 0; i < count; ++i, d += d_step, z += kLanes) {
    Vec<V> columns[kVecs<V>];
    for (int v = 0; v < kVecs<V>; ++v) columns[v] = load<V>(z + v * V::kWidth);
#pragma GCC unroll 12
    for (int n = 0; n < N; ++n) {
      const Vec<V> factor = V::broadcast(d[n * d_row]);
#pragma GCC unroll 8
      for (int v = 0; v < kVecs<V>; ++v) sums[n][v] = V::fma(factor, columns[v], sums[n][v]);
    }
  }
  for (int n = 0; n < N; ++n)
    for (int v = 0; v < kVecs<V>; ++v) {
      Num<V> *to = out + n * ld + v * V::kWidth;
      store<V>(to, load<V>(to) + sums[n][v]);
    }
}

// out (rows, padded columns) += d (rows, count) z (count, columns), with z in panels [columns / 16][capacity][16].
template <class V>
void outer_product(const Num<V> *d, long d_row, long d_step, long rows, const Num<V> *z, long capacity, long count,
                   long columns, Num<V> *out) {
  const long ld = padded(columns);
  for (long c = 0; c < columns; c += kLanes, z += capacity * kLanes)
    in_blocks<kBlock<V>>(rows, [&](auto n, long begin) {
      outer_product_block<V, n.value>(d + begin * d_row, d_row, d_step, z, count, out + begin * ld + c, ld);
    });
}

// The first n elements of a square's worth of rows to columns, `stride` apart.
template <class V>
inline void to_columns(const Num<V> *const *rows, long n, Num<V> *columns, long stride) {
  using S = typename V::Square;
  constexpr int side = S::kSide;
  const long whole = n / side * side;
  for (long k = 0; k < whole; k += side) {
    typename S::Vector square[side];
    each<side>([&](int i) { square[i] = load<S>(rows[i] + k); });
    S::transpose(square);
    each<side>([&](int i) { store<S>(columns + (k + i) * stride, square[i]); });
  }
  for (long k = whole; k < n; ++k)
    for (int i = 0; i < side; ++i) columns[k * stride + i] = rows[i][k];
}

// Sixteen rows' first n elements to lanes [n][16], and back.
template <class V>
void to_lanes(const Num<V> *const *rows, long n, Num<V> *lanes) {
  for (long r = 0; r < kLanes; r += V::Square::kSide) to_columns<V>(rows + r, n, lanes + r, kLanes);
}

template <class V>
void to_rows(const Num<V> *lanes, long n, Num<V> *const *rows) {
  using S = typename V::Square;
  constexpr int side = S::kSide;
  const long whole = n / side * side;
  for (long r = 0; r < kLanes; r += side) {
    for (long k = 0; k < whole; k += side) {
      typename S::Vector square[side];
      each<side>([&](int i) { square[i] = load<S>(lanes + (k + i) * kLanes + r); });
      S::transpose(square);
      each<side>([&](int i) { store<S>(rows[r + i] + k, square[i]); });
    }
    for (long k = whole; k < n; ++k)
      for (int i = 0; i < side; ++i) rows[r + i][k] = lanes[k * kLanes + r + i];
  }
}

// N rows' first n elements to packed [n][N]. Squares are wider than what is left of N: what they write too much comes
// before its own number does, and at the end up to a square's side lies behind the last.
template <class V, int N>
Num<V> *interleave(const Num<V> *const (&rows)[N], long n, Num<V> *packed) {
  constexpr int side = V::Square::kSide;
  for (int first = (N - 1) / side * side; first >= 0; first -= side) {
    const Num<V> *square[side];
    for (int i = 0; i < side; ++i) square[i] = rows[first + i < N ? first + i : N - 1];
    to_columns<V>(square, n, packed + first, N);
  }
  return packed + n * N;
}
