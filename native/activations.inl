// Sigmoid and tanh of a vector: below 4 ulp from minus to plus infinity, denormals included; NaN gives NaN.

template <class T>
struct Exponential;

template <>
struct Exponential<float> {
  static constexpr float log2e = 1.44269504f, ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
  // Adding it rounds to an integer n, whose low bits then hold n + 127 + 64: the exponent of 2^(n + 64).
  static constexpr float round = 12582912.0f + 191.0f;
  static constexpr int shift = 23;
  static constexpr float unscale = 0x1p-64f;
  static constexpr float lowest = -104.0f;
  // (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2, highest power first
  static constexpr float series[] = {0.0013926926614f, 0.00836377387441f, 0.0416665501103f, 0.166665733819f, 0.5f};
};

template <>
struct Exponential<double> {
  static constexpr double log2e = 1.4426950408889634, ln2_high = 0.6931471803691238, ln2_low = 1.9082149292705877e-10;
  static constexpr double round = 6755399441055744.0 + 1535.0;
  static constexpr int shift = 52;
  static constexpr double unscale = 0x1p-512;
  static constexpr double lowest = -746.0;
  static constexpr double series[] = {1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800,
                                      1.0 / 3628800,     1.0 / 362880,     1.0 / 40320,     1.0 / 5040,
                                      1.0 / 720,         1.0 / 120,        1.0 / 24,        1.0 / 6,
                                      0.5};
};

template <class V>
using Vec = typename V::Vector;

template <class V>
inline Vec<V> with_sign(Vec<V> magnitude, Vec<V> sign) {
  const auto bits = (typename V::Bits)V::all(typename V::Scalar(-0.0));
  return (Vec<V>)(((typename V::Bits)magnitude & ~bits) | ((typename V::Bits)sign & bits));
}

// exp(y) = 2^n (1 + rest) for y <= 0; `scale` is 2^n / unscale, a normal number even where exp(y) is not.
template <class V>
inline void split_exp(Vec<V> y, Vec<V> &rest, Vec<V> &scale) {
  using E = Exponential<typename V::Scalar>;
  const Vec<V> shifted = V::fma(y, V::all(E::log2e), V::all(E::round));
  const Vec<V> n = shifted - V::all(E::round);
  const Vec<V> r = V::fma(n, V::all(-E::ln2_low), V::fma(n, V::all(-E::ln2_high), y));
  Vec<V> p = V::all(E::series[0]);
  for (unsigned i = 1; i < sizeof E::series / sizeof *E::series; ++i) p = V::fma(p, r, V::all(E::series[i]));
  rest = V::fma(r * r, p, r);
  scale = (Vec<V>)((typename V::Bits)shifted << E::shift);
}

// exp(-|x|) never overflows: sigmoid = 1 / (1 + e) right of zero, e / (1 + e) left of it.
template <class V>
inline Vec<V> sigmoid(Vec<V> x) {
  using E = Exponential<typename V::Scalar>;
  const Vec<V> one = V::all(1), lowest = V::all(E::lowest);
  Vec<V> rest, scale;
  split_exp<V>(V::at_least(lowest, with_sign<V>(x, V::all(-1))), rest, scale);
  const Vec<V> e = V::fma(rest, scale, scale) * V::all(E::unscale);
  return (x < V::all(0) ? e : one) / (one + e);
}

// m = exp(-2|x|) - 1 keeps its relative accuracy near zero, and so does tanh = -m / (2 + m).
template <class V>
inline Vec<V> tanh(Vec<V> x) {
  using E = Exponential<typename V::Scalar>;
  const Vec<V> y = with_sign<V>(x, V::all(-1)) * V::all(2);
  Vec<V> rest, scale;
  split_exp<V>(V::at_least(V::all(-45), y), rest, scale);
  scale = scale * V::all(E::unscale);
  const Vec<V> m = V::fma(rest, scale, scale - V::all(1));
  return with_sign<V>(m / (V::all(2) + m), x);
}

template <class V, Vec<V> (*function)(Vec<V>)>
void map(const typename V::Scalar *x, typename V::Scalar *y, long n) {
  for (long i = 0; i < n; i += V::kWidth) {
    const long count = n - i < V::kWidth ? n - i : V::kWidth;
    Vec<V> v = V::all(0);
    __builtin_memcpy(&v, x + i, count * sizeof *x);
    v = function(v);
    __builtin_memcpy(y + i, &v, count * sizeof *y);
  }
}
