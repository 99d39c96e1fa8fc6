// Which instruction sets this build has, which this processor can run, and which is in use.
#pragma once

#include "gru.h"

namespace grucast {

// What can run here, best first, ended by a null pointer; storage is static.
const Target *const *targets();

// The best of them, or the one that the environment's GRUCAST_TARGET names; throws std::invalid_argument when it
// names none of them.
const Target &target();

}  // namespace grucast
