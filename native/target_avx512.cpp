#include <immintrin.h>

#include "gru.h"

namespace grucast {
namespace {
#include "vec_avx512.inl"

#include "kernels.inl"
}  // namespace

extern const Target target_avx512;
const Target target_avx512 = {"avx512", table<F32>(), table<F64>()};
}  // namespace grucast
