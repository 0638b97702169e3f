// What the addon has allocated and not freed, in a file that a test maps and reads
// (test/support/allocations.ts). Rule: the layout is the test's, too; a change of either is one of
// both.
#pragma once

#include <cstddef>

namespace sluice::testing {

/// Notes a block that the addon has got.
void NoteAllocated(void* block, size_t length);

/// Notes that a block is gone, whoever had got it; true when it was the addon's.
bool NoteFreed(void* block);

}  // namespace sluice::testing
