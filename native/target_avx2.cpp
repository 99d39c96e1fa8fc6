#include <immintrin.h>

#include "gru.h"

namespace grucast {
namespace {
#include "vec_avx2.inl"

#include "kernels.inl"
}  // namespace

extern const Target target_avx2;
const Target target_avx2 = {"avx2", table<F32>(), table<F64>()};
}  // namespace grucast
