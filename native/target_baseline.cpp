#include "gru.h"

namespace grucast {
namespace {
#include "vec_baseline.inl"

#include "kernels.inl"
}  // namespace

extern const Target target_baseline;
const Target target_baseline = {"baseline", table<F32>(), table<F64>()};
}  // namespace grucast
