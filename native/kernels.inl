// All kernels of one target; a target_*.cpp names its vectors in a namespace of its own and includes this.
#include "activations.inl"
#include "blocks.inl"
#include "gradients.inl"
#include "tile.inl"

#include "tile_forward.inl"
#include "tile_backward.inl"
#include "weights.inl"

#include "row_forward.inl"
#include "row_backward.inl"

#include "linear.inl"

template <class V>
constexpr Kernels<Num<V>> table() {
  return {{{packed_forward<V>, pack_forward<V>, scratch_forward<V>},
           {packed_backward<V>, pack_backward<V>, scratch_backward<V>},
           forward<V>,
           backward<V>},
          {{row_packed_forward<V>, row_pack_forward<V>, row_scratch_forward<V>},
           {row_packed_backward<V>, row_pack_backward<V>, row_scratch_backward<V>},
           row_forward<V>,
           row_backward<V>},
          linear<V>,
          map<V, sigmoid<V, 1>>,
          map<V, tanh<V, 1>>,
          map<V, softplus<V>>};
}
