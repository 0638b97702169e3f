// Whether a part of a file is in the page cache, so that sendfile(2) of it would not wait for a
// disk.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

/// `kUnknown`: neither the kernel nor the file system would tell.
enum class Cached { kNo, kYes, kUnknown };

/// Of `length` (1 or more) bytes from `offset`; what lies beyond the end of the file counts as
/// absent. Never waits for the disk.
Cached IsFileCached(int file, uint64_t offset, size_t length);

}  // namespace sluice
