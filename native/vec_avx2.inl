// What AVX2 with FMA offers; arithmetic, comparison and selection come with the compiler's own vectors.

#include "square_avx.inl"

struct F32 {
  using Scalar = float;
  using Integer = std::int32_t;
  using Square = Square8;
  static constexpr int kWidth = 8;
  typedef float Vector __attribute__((vector_size(32)));
  typedef std::int32_t Bits __attribute__((vector_size(32)));
  static Vector broadcast(float s) { return _mm256_set1_ps(s); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  static Vector max(Vector low, Vector x) { return _mm256_max_ps(low, x); }  // NaN stays NaN
  static Vector min(Vector high, Vector x) { return _mm256_min_ps(high, x); }
};

struct F64 {
  using Scalar = double;
  using Integer = std::int64_t;
  using Square = Square4;
  static constexpr int kWidth = 4;
  typedef double Vector __attribute__((vector_size(32)));
  typedef std::int64_t Bits __attribute__((vector_size(32)));
  static Vector broadcast(double s) { return _mm256_set1_pd(s); }
  static Vector fma(Vector a, Vector b, Vector c) { return _mm256_fmadd_pd(a, b, c); }
  static Vector max(Vector low, Vector x) { return _mm256_max_pd(low, x); }
  static Vector min(Vector high, Vector x) { return _mm256_min_pd(high, x); }
};

// Weights that share a pass over k: 12 of the 16 registers are sums.
template <class V>
constexpr int kBlock = V::kWidth == 8 ? 6 : 3;

// Chains of dependent operations that the registers hold side by side.
constexpr int kSideBySide = 4;
