// See allocation_count.h.
#include "allocation_count.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace sluice::testing {

namespace {

struct Counts {
  std::atomic<uint64_t> bytes;
  std::atomic<uint64_t> blocks;
};

struct Entry {
  void* block;
  size_t length;
};

/// More blocks than any test has at once; a table that is never full needs no end to its search.
constexpr size_t kEntries = 1U << 18U;
constexpr size_t kMostBlocks = kEntries / 2;

/// Nothing here may allocate.
std::array<Entry, kEntries> entries;
std::atomic_flag lock = ATOMIC_FLAG_INIT;
size_t used = 0;

class Locked {
 public:
  Locked() {
    while (lock.test_and_set(std::memory_order_acquire)) {
    }
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  ~Locked() { lock.clear(std::memory_order_release); }
};

Counts* Map() {
  const char* path = std::getenv("SLUICE_ALLOCATIONS");
  if (path == nullptr) return nullptr;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) std::abort();
  void* memory = mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<Counts*>(memory);
}

Counts* Shared() {
  static Counts* const counts = Map();
  return counts;
}

size_t Home(const void* block) {
  // malloc(3) aligns to 16.
  return static_cast<size_t>((reinterpret_cast<uintptr_t>(block) >> 4U) * 0x9E3779B97F4A7C15U >>
                             46U);
}

/// Where `block` is, or would be put.
size_t Find(const void* block) {
  size_t at = Home(block);
  while (entries[at].block != nullptr && entries[at].block != block) at = (at + 1) % kEntries;
  return at;
}

/// Closes the gap, so that whoever was put behind for want of room is still found.
void Remove(size_t gap) {
  for (size_t at = (gap + 1) % kEntries; entries[at].block != nullptr; at = (at + 1) % kEntries) {
    const size_t home = Home(entries[at].block);
    const bool stays = (at - home) % kEntries < (at - gap) % kEntries;
    if (stays) continue;
    entries[gap] = entries[at];
    gap = at;
  }
  entries[gap] = {};
}

}  // namespace

void NoteAllocated(void* block, size_t length) {
  Counts* const counts = Shared();
  if (block == nullptr || counts == nullptr) return;
  const Locked locked;
  if (++used > kMostBlocks) std::abort();
  entries[Find(block)] = {block, length};
  counts->bytes += length;
  counts->blocks += 1;
}

bool NoteFreed(void* block) {
  Counts* const counts = Shared();
  if (block == nullptr || counts == nullptr) return false;
  const Locked locked;
  const size_t at = Find(block);
  if (entries[at].block == nullptr) return false;
  counts->bytes -= entries[at].length;
  counts->blocks -= 1;
  used -= 1;
  Remove(at);
  return true;
}

}  // namespace sluice::testing
