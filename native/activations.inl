// Sigmoid, tanh and softplus of a vector: below 4 ulp from minus to plus infinity, denormals included, but that softplus
// below the smallest normal number may be 0; NaN gives NaN.

template <class T>
struct Exponential;

template <>
struct Exponential<float> {
  static constexpr float log2e = 1.44269504f, ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  // Adding it rounds to an integer n, whose low bits then hold n + 127: the exponent of 2^n.
  static constexpr float round = 12582912.0f + 127.0f;
  static constexpr int shift = 23;
  // Within these limits exp(-x) / 2^64 is a normal number; beyond them sigmoid is 0 or 1.
  static constexpr float lowest = -104, highest = 43, down = 64, unit = 0x1p-64f;
  static constexpr float vanishing = 88;  // split_exp makes exp of minus this 0
  static constexpr int log_terms = 7;
  // (exp(-r) - 1 + r) / r^2 for |r| <= ln(2) / 2, highest power first
  static constexpr float series[] = {0.0013926926614f, -0.00836377387441f, 0.0416665501103f, -0.166665733819f, 0.5f};
};

template <>
struct Exponential<double> {
  static constexpr double log2e = 1.4426950408889634, ln2_high = 0.6931471803691238, ln2_low = 1.9082149292705877e-10;
  static constexpr double round = 6755399441055744.0 + 1023.0;
  static constexpr int shift = 52;
  static constexpr double lowest = -746, highest = 350, down = 512, unit = 0x1p-512;
  static constexpr double vanishing = 709;
  static constexpr int log_terms = 16;
  static constexpr double series[] = {1.0 / 87178291200,
                                      -1.0 / 6227020800,
                                      1.0 / 479001600,
                                      -1.0 / 39916800,
                                      1.0 / 3628800,
                                      -1.0 / 362880,
                                      1.0 / 40320,
                                      -1.0 / 5040,
                                      1.0 / 720,
                                      -1.0 / 120,
                                      1.0 / 24,
                                      -1.0 / 6,
                                      0.5};
};

template <class V>
using Vec = typename V::Vector;

// Runs f(0), ..., f(N - 1). The functions below do each operation for all their vectors before the next operation:
// a chain of dependent operations leaves most of the processor idle, N of them side by side fill it.
template <int N, class F>
inline void each(F f) {
#pragma GCC unroll 16
  for (int i = 0; i < N; ++i) f(i);
}

template <class V>
inline Vec<V> sign_bit() {
  return V::broadcast(typename V::Scalar(-0.0));
}

template <class V>
inline Vec<V> with_sign_of(Vec<V> sign, Vec<V> x) {
  using B = typename V::Bits;
  return (Vec<V>)(((B)x & ~(B)sign_bit<V>()) | ((B)sign & (B)sign_bit<V>()));
}

// exp(-y) / 2^down = scale (1 + rest)
template <class V, int N>
inline void split_exp(const Vec<V> (&y)[N], typename V::Scalar down, Vec<V> (&rest)[N], Vec<V> (&scale)[N]) {
  using E = Exponential<typename V::Scalar>;
  Vec<V> r[N];
  each<N>([&](int i) { scale[i] = V::fma(y[i], V::broadcast(-E::log2e), V::broadcast(E::round - down)); });
  each<N>([&](int i) { rest[i] = scale[i] - V::broadcast(E::round - down); });  // n
  each<N>([&](int i) { r[i] = V::fma(rest[i], V::broadcast(E::ln2_high), y[i]); });
  each<N>([&](int i) { r[i] = V::fma(rest[i], V::broadcast(E::ln2_low), r[i]); });
  each<N>([&](int i) { rest[i] = V::fma(V::broadcast(E::series[0]), r[i], V::broadcast(E::series[1])); });
#pragma GCC unroll 16
  for (unsigned k = 2; k < sizeof E::series / sizeof *E::series; ++k)
    each<N>([&](int i) { rest[i] = V::fma(rest[i], r[i], V::broadcast(E::series[k])); });
  each<N>([&](int i) { rest[i] = V::fma(r[i] * r[i], rest[i], -r[i]); });
  each<N>([&](int i) { scale[i] = (Vec<V>)((typename V::Bits)scale[i] << E::shift); });
}

// 1 / (1 + e), both scaled so that e neither overflows nor vanishes.
template <class V, int N>
inline void sigmoid_together(Vec<V> *x) {
  using E = Exponential<typename V::Scalar>;
  Vec<V> y[N], rest[N], scale[N];
  each<N>([&](int i) { y[i] = V::min(V::broadcast(E::highest), V::max(V::broadcast(E::lowest), x[i])); });
  split_exp<V, N>(y, E::down, rest, scale);
  each<N>([&](int i) { y[i] = V::fma(rest[i], scale[i], scale[i] + V::broadcast(E::unit)); });
  each<N>([&](int i) { x[i] = V::broadcast(E::unit) / y[i]; });
}

// m = exp(-2|x|) - 1 keeps its relative accuracy near zero, and so does tanh = -m / (2 + m).
template <class V, int N>
inline void tanh_together(Vec<V> *x) {
  Vec<V> y[N], rest[N], scale[N];
  each<N>([&](int i) { y[i] = with_sign_of<V>(V::broadcast(0), x[i]); });
  each<N>([&](int i) { y[i] = V::min(V::broadcast(45), y[i] + y[i]); });
  split_exp<V, N>(y, 0, rest, scale);
  each<N>([&](int i) { y[i] = V::fma(rest[i], scale[i], scale[i] - V::broadcast(1)); });
  each<N>([&](int i) { y[i] = y[i] / (V::broadcast(2) + y[i]); });
  each<N>([&](int i) { x[i] = with_sign_of<V>(x[i], y[i]); });
}

// max(x, 0) + log(1 + e) with e = exp(-|x|), where log(1 + e) = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = e / (2 + e).
template <class V>
inline void softplus(Vec<V> (&x)[1]) {
  using E = Exponential<typename V::Scalar>;
  Vec<V> y[1] = {V::min(V::broadcast(E::vanishing), with_sign_of<V>(V::broadcast(0), x[0]))}, rest[1], scale[1];
  split_exp<V, 1>(y, 0, rest, scale);
  const Vec<V> e = V::fma(rest[0], scale[0], scale[0]), s = e / (V::broadcast(2) + e), square = s * s;
  Vec<V> series = V::broadcast(0);
#pragma GCC unroll 16
  for (int k = E::log_terms; k > 0; --k) series = V::fma(series, square, V::broadcast(typename V::Scalar(1) / (2 * k + 1)));
  x[0] = V::max(V::broadcast(0), x[0]) + V::fma((s + s) * square, series, s + s);
}

// As many vectors side by side as the registers hold.
template <class V, int N>
constexpr int kTogether = N <= kSideBySide       ? N
                          : N % kSideBySide == 0 ? kSideBySide
                          : N % 3 == 0           ? 3
                          : N % 2 == 0           ? 2
                                                 : 1;

template <class V, int N>
inline void sigmoid(Vec<V> (&x)[N]) {
  constexpr int together = kTogether<V, N>;
  each<N / together>([&](int i) { sigmoid_together<V, together>(x + i * together); });
}

template <class V, int N>
inline void tanh(Vec<V> (&x)[N]) {
  constexpr int together = kTogether<V, N>;
  each<N / together>([&](int i) { tanh_together<V, together>(x + i * together); });
}

template <class V, void (*function)(Vec<V> (&)[1])>
void map(const typename V::Scalar *x, typename V::Scalar *y, long n) {
  for (long i = 0; i < n; i += V::kWidth) {
    const long count = n - i < V::kWidth ? n - i : V::kWidth;
    Vec<V> v[1] = {V::broadcast(0)};
    __builtin_memcpy(v, x + i, count * sizeof *x);
    function(v);
    __builtin_memcpy(y + i, v, count * sizeof *y);
  }
}
