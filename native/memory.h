// Working memory that each thread keeps between calls, and the floating-point mode of the kernels.
#pragma once

#include <cstddef>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace grucast {

enum class Slot { packed, partials, scratch, count };

// At least `bytes` of the calling thread, aligned to a cache line; the next call for the same slot ends its life.
void *workspace_bytes(Slot slot, std::size_t bytes);

template <class T>
T *workspace(Slot slot, long elements) {
  return static_cast<T *>(workspace_bytes(slot, std::size_t(elements) * sizeof(T)));
}

// Denormal numbers are zeros while it lives: a state that decays towards zero would else be many times slower.
class FlushDenormals {
#if defined(__SSE2__)
 public:
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  ~FlushDenormals() { _mm_setcsr(before_); }
  FlushDenormals(const FlushDenormals &) = delete;

 private:
  unsigned before_;
#else
 public:
  FlushDenormals() {}
#endif
};

}  // namespace grucast
