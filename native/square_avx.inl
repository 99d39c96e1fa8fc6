// Squares transposed in registers; moving numbers about never changes them, so both AVX targets share these.

struct Square8 {
  using Scalar = float;
  typedef float Vector __attribute__((vector_size(32)));
  static constexpr int kSide = 8;
  static void transpose(Vector (&v)[8]) {
    __m256 t[8], u[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 2) {
      t[i] = _mm256_unpacklo_ps(v[i], v[i + 1]);
      t[i + 1] = _mm256_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 4) {
      u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
      u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
      u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
      u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 4; ++i) {
      v[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
      v[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
  }
};

struct Square4 {
  using Scalar = double;
  typedef double Vector __attribute__((vector_size(32)));
  static constexpr int kSide = 4;
  static void transpose(Vector (&v)[4]) {
    __m256d t[4];
#pragma GCC unroll 8
    for (int i = 0; i < 4; i += 2) {
      t[i] = _mm256_unpacklo_pd(v[i], v[i + 1]);
      t[i + 1] = _mm256_unpackhi_pd(v[i], v[i + 1]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 2; ++i) {
      v[i] = _mm256_permute2f128_pd(t[i], t[i + 2], 0x20);
      v[i + 2] = _mm256_permute2f128_pd(t[i], t[i + 2], 0x31);
    }
  }
};
