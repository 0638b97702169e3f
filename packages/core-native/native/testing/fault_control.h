// The memory that the fault library and JavaScript share: seed, rates, and counts of what was done.
// Rule: layout and order are those of src/testing/control-layout.ts; a change of either changes
// kVersion in both.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::testing {

/// Everything that can be made to go wrong; the names are those of src/testing/faults.ts.
enum class Fault : uint32_t {
  // Benign: no byte is lost, and no program may notice but by being slower.
  kRecvShort,
  kRecvAgain,
  kRecvInterrupted,
  kSendShort,
  kSendAgain,
  kSendInterrupted,
  kAcceptAgain,
  kAcceptInterrupted,
  kAcceptAborted,
  kAcceptExhausted,
  kConnectInterrupted,
  kWaitShort,
  kWaitInterrupted,
  // Hostile: a connection is over.
  kRecvReset,
  kRecvTimedOut,
  kRecvNoBuffers,
  kSendReset,
  kSendPipe,
  kSendNoBuffers,
  kConnectRefused,
  kConnectBroken,
  kWaitReset,
};

constexpr uint32_t kFaultCount = static_cast<uint32_t>(Fault::kWaitReset) + 1;

/// The control file, mapped. Written by JavaScript, but for `attached` and `counts`.
struct FaultControl {
  static constexpr uint32_t kMagic = 0x7366'6c74;
  static constexpr uint32_t kVersion = 1;

  uint32_t magic;
  uint32_t version;
  uint32_t fault_count;
  std::atomic<uint32_t> enabled;
  /// Moves on with each new seed: every descriptor then begins its schedule anew.
  std::atomic<uint32_t> epoch;
  /// Processes that have loaded the addon with this library before it.
  std::atomic<uint32_t> attached;
  std::atomic<uint64_t> seed;
  /// Of 2^32: 0 is never, 2^32 - 1 is always.
  std::atomic<uint32_t> rates[kFaultCount];
  std::atomic<uint64_t> counts[kFaultCount];

  /// The mapping that the environment names, made by the first call; null when it names none. A
  /// file that is named and of no use ends the process: faults that never come would look like
  /// tests that pass.
  static FaultControl* Get();
};

static_assert(sizeof(std::atomic<uint64_t>) == 8 && std::atomic<uint64_t>::is_always_lock_free);

}  // namespace sluice::testing
