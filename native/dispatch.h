// Which instruction sets this build has and this processor can run.
#pragma once

namespace grucast {

// Names, best first, ended by a null pointer; storage is static.
const char *const *targets();

}  // namespace grucast
