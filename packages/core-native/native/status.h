// What a native call answers instead of a count. Rule: the numbers are those of `Status` in
// src/contract.ts.
#pragma once

#include <cstdint>

namespace sluice {

enum class Status : int32_t {
  kDone = 0,
  kWantsRead = -1,
  kWantsWrite = -2,
  kEnded = -3,
  kFailed = -4,
  kSuspended = -5,
  kEarly = -6,
  kOpened = -7,
};

/// Beside the count of a TLS read: the session did not run dry (READ_MORE of the contract).
constexpr int32_t kReadMore = 0x4000'0000;

/// No count reaches the bit of kReadMore; longer ranges are served in part, which every caller
/// expects anyway.
constexpr int32_t kMaxCount = kReadMore - 1;

constexpr int32_t ToInt(Status status) { return static_cast<int32_t>(status); }

}  // namespace sluice
