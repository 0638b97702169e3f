// A library to be preloaded (LD_PRELOAD, ld.so(8)): it counts what the addon's own code asks of
// malloc(3), which is what its OpenSSL does. Objects of C++ come from libstdc++ and are not in it.
// Never part of the addon. Rule: everybody gets exactly what the C library gives.
#include <cstddef>

#include "addon_caller.h"
#include "allocation_count.h"

#define SLUICE_INTERPOSES extern "C" __attribute__((visibility("default"), noinline))
/// A macro: the return address is that of the function which stands here.
#define SLUICE_IS_COUNTED() IsInAddon(__builtin_return_address(0))

// Not by dlsym(3), which allocates. The GNU C library has them for exactly this.
extern "C" {
void* __libc_malloc(size_t length);
void* __libc_calloc(size_t count, size_t length);
void* __libc_realloc(void* block, size_t length);
void __libc_free(void* block);
}

using namespace sluice::testing;

SLUICE_INTERPOSES void* malloc(size_t length) {
  void* const block = __libc_malloc(length);
  if (SLUICE_IS_COUNTED()) NoteAllocated(block, length);
  return block;
}

SLUICE_INTERPOSES void* calloc(size_t count, size_t length) {
  void* const block = __libc_calloc(count, length);
  if (SLUICE_IS_COUNTED()) NoteAllocated(block, count * length);
  return block;
}

SLUICE_INTERPOSES void* realloc(void* block, size_t length) {
  // Before: another thread may get the same address as soon as it is free.
  const bool was_counted = NoteFreed(block);
  void* const moved = __libc_realloc(block, length);
  if (was_counted || SLUICE_IS_COUNTED()) NoteAllocated(moved, length);
  return moved;
}

SLUICE_INTERPOSES void free(void* block) {
  NoteFreed(block);
  __libc_free(block);
}
