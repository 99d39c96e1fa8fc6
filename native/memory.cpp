#include "memory.h"

#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace grucast {
namespace {

constexpr std::align_val_t kLine{64}, kPage{std::size_t(1) << 21};

class Memory {
 public:
  Memory() = default;
  Memory(const Memory &) = delete;
  ~Memory() { release(); }
  void *at_least(std::size_t bytes) {
    if (bytes > size_) {
      release();
      // Huge pages where they pay: fewer misses of the address cache, and fewer faults at first touch.
      align_ = bytes >= std::size_t(kPage) ? kPage : kLine;
      data_ = ::operator new(bytes, align_);
      size_ = bytes;
#if defined(__linux__)
      if (align_ == kPage) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
    }
    return data_;
  }

 private:
  void release() {
    if (data_) ::operator delete(data_, align_);
    data_ = nullptr, size_ = 0;
  }
  void *data_ = nullptr;
  std::size_t size_ = 0;
  std::align_val_t align_ = kLine;
};

}  // namespace

void *workspace_bytes(Slot slot, std::size_t bytes) {
  thread_local Memory memory[int(Slot::count)];
  return memory[int(slot)].at_least(bytes ? bytes : 1);
}

}  // namespace grucast
