// Any processor and compiler with vector extensions: 128-bit vectors, lowered to SSE2, NEON or scalars.
// Where the processor fuses a * b + c the loops below become its vector FMA; elsewhere the product is rounded first.

template <class T>
struct Single {
  using Scalar = T;
  typedef T Vector;
  static constexpr int kSide = 1;
  static void transpose(Vector (&)[1]) {}
};

struct F32 {
  using Scalar = float;
  using Integer = std::int32_t;
  using Square = Single<float>;
  static constexpr int kWidth = 4;
  typedef float Vector __attribute__((vector_size(16)));
  typedef std::int32_t Bits __attribute__((vector_size(16)));
  static Vector broadcast(float s) { return Vector{s, s, s, s}; }
  static Vector fma(Vector a, Vector b, Vector c) {
#ifdef __FP_FAST_FMAF
    for (int i = 0; i < kWidth; ++i) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
  }
  static Vector max(Vector low, Vector x) { return x < low ? low : x; }  // NaN stays NaN
  static Vector min(Vector high, Vector x) { return x > high ? high : x; }
};

struct F64 {
  using Scalar = double;
  using Integer = std::int64_t;
  using Square = Single<double>;
  static constexpr int kWidth = 2;
  typedef double Vector __attribute__((vector_size(16)));
  typedef std::int64_t Bits __attribute__((vector_size(16)));
  static Vector broadcast(double s) { return Vector{s, s}; }
  static Vector fma(Vector a, Vector b, Vector c) {
#ifdef __FP_FAST_FMA
    for (int i = 0; i < kWidth; ++i) c[i] = __builtin_fma(a[i], b[i], c[i]);
    return c;
#else
    return a * b + c;
#endif
  }
  static Vector max(Vector low, Vector x) { return x < low ? low : x; }
  static Vector min(Vector high, Vector x) { return x > high ? high : x; }
};

template <class V>
constexpr int kBlock = V::kWidth == 4 ? 3 : 1;

// Chains of dependent operations that the registers hold side by side.
constexpr int kSideBySide = 4;
