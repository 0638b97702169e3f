// Counts what is asked of malloc(3): a library to be preloaded, with counting_calls.cc.
// Rule: nothing here may allocate, or find a function at run time: finding one allocates.
#include <errno.h>

#include "count_table.h"

#define SLUICE_COUNTS extern "C" __attribute__((visibility("default")))

using namespace sluice::testing;

// glibc's own names for the functions that are replaced below.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* block, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
}

namespace {

void Note(size_t bytes) {
  Count(RowOf("allocations"));
  Count(RowOf("allocated bytes"), bytes);
}

}  // namespace

SLUICE_COUNTS void* malloc(size_t bytes) noexcept {
  Note(bytes);
  return __libc_malloc(bytes);
}

SLUICE_COUNTS void* calloc(size_t count, size_t bytes) noexcept {
  Note(count * bytes);
  return __libc_calloc(count, bytes);
}

SLUICE_COUNTS void* realloc(void* block, size_t bytes) noexcept {
  if (bytes != 0) Note(bytes);
  return __libc_realloc(block, bytes);
}

SLUICE_COUNTS void* memalign(size_t alignment, size_t bytes) noexcept {
  Note(bytes);
  return __libc_memalign(alignment, bytes);
}

SLUICE_COUNTS void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return memalign(alignment, bytes);
}

SLUICE_COUNTS int posix_memalign(void** block, size_t alignment, size_t bytes) noexcept {
  if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0)
    return EINVAL;
  void* const made = memalign(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *block = made;
  return 0;
}
