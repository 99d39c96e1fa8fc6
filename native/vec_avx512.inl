// What AVX-512 offers: the same operations, twice as wide.

#include "square_avx.inl"

struct F32 {
  using Scalar = float;
  using Integer = std::int32_t;
  using Square = Square8;
  static constexpr int kWidth = 16;
  typedef float Vector __attribute__((vector_size(64)));
  typedef std::int32_t Bits __attribute__((vector_size(64)));
  static Vector broadcast(float s) { return _mm512_set1_ps(s); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
  static Vector max(Vector low, Vector x) { return x < low ? low : x; }  // NaN stays NaN
  static Vector min(Vector high, Vector x) { return x > high ? high : x; }
};

struct F64 {
  using Scalar = double;
  using Integer = std::int64_t;
  using Square = Square4;
  static constexpr int kWidth = 8;
  typedef double Vector __attribute__((vector_size(64)));
  typedef std::int64_t Bits __attribute__((vector_size(64)));
  static Vector broadcast(double s) { return _mm512_set1_pd(s); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm512_fmadd_pd(a, b, c); }
  static Vector max(Vector low, Vector x) { return x < low ? low : x; }
  static Vector min(Vector high, Vector x) { return x > high ? high : x; }
};

// Weights that share a pass over k: 12 or 24 of the 32 registers are sums.
template <class V>
constexpr int kBlock = 12;

// Chains of dependent operations that the registers hold side by side.
constexpr int kSideBySide = 8;
