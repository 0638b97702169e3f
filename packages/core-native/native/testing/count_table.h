// Where calls are counted, in memory that whoever wants to know maps or reads as a file.
// Rule: each row carries its name, so that no reader keeps a list of its own; the layout is that of
// tools/unit-counts/src/count-table.ts.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::testing {

/// What a row counts.
enum class CountKind : uint32_t {
  kCall,
  /// A system call about memory: the collector's and malloc's, whatever the program does.
  kMemoryCall,
  /// Of malloc(3) and the like: blocks, and the bytes that were asked for.
  kHeap,
};

struct CountName {
  std::string_view name;
  CountKind kind = CountKind::kCall;
};

constexpr CountName kCountNames[] = {
    {"read"},
    {"write"},
    {"readv"},
    {"writev"},
    {"pread64"},
    {"preadv64"},
    {"preadv64v2"},
    {"recv"},
    {"recvfrom"},
    {"recvmsg"},
    {"send"},
    {"sendto"},
    {"sendmsg"},
    {"sendfile"},
    {"socket"},
    {"bind"},
    {"listen"},
    {"accept"},
    {"accept4"},
    {"connect"},
    {"shutdown"},
    {"close"},
    {"getsockname"},
    {"getpeername"},
    {"getsockopt"},
    {"setsockopt"},
    {"ioctl"},
    {"fcntl"},
    {"epoll_ctl"},
    {"epoll_wait"},
    {"epoll_pwait"},
    {"poll"},
    {"eventfd"},
    {"open"},
    {"openat"},
    {"openat2"},
    {"fstat"},
    {"stat"},
    {"statx"},
    {"lseek"},
    {"cachestat"},
    {"posix_fadvise"},
    {"rt_sigprocmask"},
    {"rt_sigtimedwait"},
    {"getpid"},
    {"getrandom"},
    {"nanosleep"},
    {"sched_yield"},
    {"io_uring_enter"},
    {"other syscall(2)"},
    {"mmap", CountKind::kMemoryCall},
    {"munmap", CountKind::kMemoryCall},
    {"mprotect", CountKind::kMemoryCall},
    {"madvise", CountKind::kMemoryCall},
    {"mincore", CountKind::kMemoryCall},
    {"allocations", CountKind::kHeap},
    {"allocated bytes", CountKind::kHeap},
};

constexpr size_t kCountRows = sizeof(kCountNames) / sizeof(kCountNames[0]);

/// The row of a name; one that there is not does not compile.
consteval size_t RowOf(std::string_view name) {
  for (size_t row = 0; row < kCountRows; ++row) {
    if (kCountNames[row].name == name) return row;
  }
  throw "no such row";
}

struct CountRow {
  char name[28];
  CountKind kind;
  /// The thread that the process began with, and all others together.
  std::atomic<uint64_t> by_main;
  std::atomic<uint64_t> by_others;
};

struct CountTable {
  static constexpr uint32_t kMagic = 0x7363'6e74;

  uint32_t magic;
  uint32_t rows;
  /// Nobody else counts: programs that this one starts inherit its environment.
  std::atomic<int32_t> pid;
  /// Whether the main thread waits for events, all that it counted before being in the rows.
  std::atomic<uint32_t> waiting;
  CountRow row[kCountRows];
};

/// Adds to a row, for the thread that calls.
void Count(size_t row, uint64_t amount = 1);
/// To be called around a wait without end.
void SetWaiting(bool waiting);

}  // namespace sluice::testing
