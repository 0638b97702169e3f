// See count_table.h.
#include "count_table.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace sluice::testing {

namespace {

/// What is counted before the file is mapped, or in a process that is not counted, is lost here.
CountTable nobodys_table{};
CountTable* table = &nobodys_table;

/// initial-exec: no call that allocates may be made to find it.
__attribute__((tls_model("initial-exec"))) thread_local bool is_main = false;

void Describe(CountTable& counts) {
  for (size_t row = 0; row < kCountRows; ++row) {
    const auto& [name, kind] = kCountNames[row];
    name.copy(counts.row[row].name, sizeof(CountRow::name) - 1);
    counts.row[row].kind = kind;
  }
  counts.rows = kCountRows;
  counts.magic = CountTable::kMagic;
}

__attribute__((constructor)) void Map() {
  is_main = true;
  const char* path = std::getenv("SLUICE_COUNTS");
  if (path == nullptr || path[0] == '\0') return;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  // Fails where the file is shorter, and the reader then finds no table in it.
  const bool fits = ftruncate(fd, sizeof(CountTable)) == 0;
  void* memory = fits ? mmap(nullptr, sizeof(CountTable), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                      : MAP_FAILED;
  close(fd);
  if (memory == MAP_FAILED) return;
  auto* mapped = static_cast<CountTable*>(memory);
  int32_t nobody = 0;
  // By the same process again: it was started by a program that became it (execve(2)).
  if (!mapped->pid.compare_exchange_strong(nobody, getpid()) && nobody != getpid()) return;
  Describe(*mapped);
  table = mapped;
}

}  // namespace

void Count(size_t row, uint64_t amount) {
  CountRow& counted = table->row[row];
  if (!is_main) {
    counted.by_others.fetch_add(amount, std::memory_order_relaxed);
    return;
  }
  // One writer: no locked instruction for each malloc of a program under measurement.
  const uint64_t before = counted.by_main.load(std::memory_order_relaxed);
  counted.by_main.store(before + amount, std::memory_order_relaxed);
}

void SetWaiting(bool waiting) {
  if (is_main) table->waiting.store(waiting ? 1 : 0, std::memory_order_release);
}

}  // namespace sluice::testing
