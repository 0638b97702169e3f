// See file_cache.h. Three ways to ask, for none answers everybody everywhere:
//
// * cachestat(2), Linux 6.5, is one cheap call. It counts pages that readahead has only just asked
//   the disk for, and since 6.14 it tells only those who own the file or may write to it.
// * mincore(2) tells the pages whose contents are there. To others than those it calls everything
//   resident (Linux 5.2), so its word counts only behind one of the two above.
// * preadv2(2) with RWF_NOWAIT tells everybody, page by page, where the file system knows it.
#include "file_cache.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace sluice {

namespace {

// The headers of an older C library or kernel lack the call; its number is the same everywhere.
constexpr long kCachestat = 451;

struct CachestatRange {
  uint64_t offset;
  uint64_t length;
};

struct Cachestat {
  uint64_t cached;
  uint64_t dirty;
  uint64_t writeback;
  uint64_t evicted;
  uint64_t recently_evicted;
};

struct Pages {
  uint64_t first;
  size_t count;
};

uint64_t PageBytes() {
  static const auto bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

Pages PagesOf(uint64_t offset, size_t length) {
  const uint64_t first = offset / PageBytes();
  return {first, static_cast<size_t>((offset + length - 1) / PageBytes() - first + 1)};
}

Cached AskCachestat(int file, Pages pages) {
  CachestatRange range{pages.first * PageBytes(), pages.count * PageBytes()};
  Cachestat answer{};
  if (syscall(kCachestat, file, &range, &answer, 0) != 0) return Cached::kUnknown;
  return answer.cached >= pages.count ? Cached::kYes : Cached::kNo;
}

/// Whether mincore(2) tells us the truth: fs/mincore.c, can_do_mincore().
bool MayAskMincore(int file) {
  struct stat state {};
  return fstat(file, &state) == 0 && (geteuid() == 0 || geteuid() == state.st_uid);
}

Cached AskMincore(int file, Pages pages) {
  const size_t bytes = pages.count * PageBytes();
  void* const memory = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file,
                            static_cast<off_t>(pages.first * PageBytes()));
  if (memory == MAP_FAILED) return Cached::kUnknown;
  std::vector<unsigned char> resident(pages.count);
  const bool told = mincore(memory, bytes, resident.data()) == 0;
  munmap(memory, bytes);
  if (!told) return Cached::kUnknown;
  const auto is_absent = [](unsigned char page) { return (page & 1) == 0; };
  return std::any_of(resident.begin(), resident.end(), is_absent) ? Cached::kNo : Cached::kYes;
}

/// One byte of each page.
Cached AskByReading(int file, uint64_t offset, size_t length) {
  for (uint64_t at = offset; at < offset + length; at = (at / PageBytes() + 1) * PageBytes()) {
    char byte;
    const iovec place{&byte, 1};
    const ssize_t count = preadv2(file, &place, 1, static_cast<off_t>(at), RWF_NOWAIT);
    if (count < 0) return errno == EAGAIN ? Cached::kNo : Cached::kUnknown;
    if (count == 0) return Cached::kNo;
  }
  return Cached::kYes;
}

}  // namespace

Cached IsFileCached(int file, uint64_t offset, size_t length) {
  const Pages pages = PagesOf(offset, length);
  const Cached there = AskCachestat(file, pages);
  if (there == Cached::kNo) return there;
  if (there == Cached::kYes || MayAskMincore(file)) {
    const Cached resident = AskMincore(file, pages);
    if (resident != Cached::kUnknown) return resident;
  }
  return AskByReading(file, offset, length);
}

}  // namespace sluice
