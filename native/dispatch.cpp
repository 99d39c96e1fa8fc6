#include "dispatch.h"

namespace grucast {

const char *const *targets() {
  static const char *const names[] = {"baseline", nullptr};
  return names;
}

}  // namespace grucast
