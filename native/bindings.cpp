// The only file that knows Python: checks what comes in, then calls the kernels.
#include <nanobind/nanobind.h>

#include "dispatch.h"

namespace nb = nanobind;

NB_MODULE(_native, m) {
  m.doc() = "grucast's native kernels.";
  m.def(
      "targets",
      [] {
        nb::list names;
        for (auto name = grucast::targets(); *name; ++name) names.append(nb::str(*name));
        return names;
      },
      nb::sig("def targets() -> list[str]"), "Instruction sets that can run here, best first.");
}
