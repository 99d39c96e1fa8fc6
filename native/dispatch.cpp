#include "dispatch.h"

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace grucast {

extern const Target target_baseline;
#ifdef GRUCAST_X86
extern const Target target_avx512, target_avx2;

static bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

namespace {
struct List {
  const Target *entries[4] = {};
  List() {
    const Target **next = entries;
#ifdef GRUCAST_X86
    __builtin_cpu_init();
    if (has_avx512()) *next++ = &target_avx512;
    if (has_avx2()) *next++ = &target_avx2;
#endif
    *next = &target_baseline;
  }
};

const Target &choose() {
  const char *name = std::getenv("GRUCAST_TARGET");
  if (!name || !*name) return **targets();
  std::string choices;
  for (auto entry = targets(); *entry; ++entry) {
    if (!std::strcmp((*entry)->name, name)) return **entry;
    choices += std::string(choices.empty() ? "" : ", ") + (*entry)->name;
  }
  throw std::invalid_argument("GRUCAST_TARGET is '" + std::string(name) + "', this machine can run: " + choices);
}
}  // namespace

const Target *const *targets() {
  static const List list;
  return list.entries;
}

const Target &target() {
  static const Target &chosen = choose();
  return chosen;
}

}  // namespace grucast
