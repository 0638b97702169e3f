// See addon_caller.h.
#include "addon_caller.h"

#include <link.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace sluice::testing {

namespace {

struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

/// `end` is written first and read second. The addon is linked nodelete: once there it stays.
std::atomic<uintptr_t> addon_begin{0};
std::atomic<uintptr_t> addon_end{0};

int FindCode(dl_phdr_info* info, size_t /*size*/, void* found) {
  const std::string_view name = info->dlpi_name;
  if (!name.ends_with("/sluice.node")) return 0;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    const uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    *static_cast<Range*>(found) = {begin, begin + header.p_memsz};
    return 1;
  }
  return 0;
}

}  // namespace

bool IsInAddon(const void* return_address) {
  const auto address = reinterpret_cast<uintptr_t>(return_address);
  const uintptr_t begin = addon_begin.load(std::memory_order_acquire);
  if (begin != 0) return address >= begin && address < addon_end.load(std::memory_order_relaxed);
  Range found;
  // Microseconds, paid by each call until the addon is loaded.
  if (dl_iterate_phdr(FindCode, &found) == 0) return false;
  addon_end.store(found.end, std::memory_order_relaxed);
  addon_begin.store(found.begin, std::memory_order_release);
  return address >= found.begin && address < found.end;
}

}  // namespace sluice::testing
