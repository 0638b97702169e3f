// See call_schedule.h.
#include "call_schedule.h"

#include <atomic>

namespace sluice::testing {

namespace {

constexpr uint8_t kMostInARow = 3;

/// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
uint64_t Mix(uint64_t value) {
  value += 0x9e37'79b9'7f4a'7c15;
  value = (value ^ (value >> 30)) * 0xbf58'476d'1ce4'e5b9;
  value = (value ^ (value >> 27)) * 0x94d0'49bb'1331'11eb;
  return value ^ (value >> 31);
}

/// Numbers descriptors in the order in which they are first used under a seed.
uint32_t NextSerial(uint32_t epoch) {
  static std::atomic<uint64_t> last{0};
  uint64_t seen = last.load();
  uint64_t next;
  do {
    next = (seen >> 32) == epoch ? seen + 1 : static_cast<uint64_t>(epoch) << 32;
  } while (!last.compare_exchange_weak(seen, next));
  return static_cast<uint32_t>(next);
}

void BeginAnew(Descriptor& descriptor, uint32_t epoch) {
  descriptor.epoch = epoch;
  descriptor.serial = NextSerial(epoch);
  for (uint32_t& calls : descriptor.calls) calls = 0;
  for (uint8_t& failed : descriptor.failed_in_a_row) failed = 0;
}

}  // namespace

CallSchedule::CallSchedule(FaultControl& control, Descriptor& descriptor, Call call)
    : control_(control), failed_in_a_row_(descriptor.failed_in_a_row[static_cast<size_t>(call)]) {
  const uint32_t epoch = control.epoch.load(std::memory_order_relaxed);
  if (descriptor.epoch != epoch) BeginAnew(descriptor, epoch);
  const uint64_t number = descriptor.calls[static_cast<size_t>(call)]++;
  state_ = Mix(control.seed.load(std::memory_order_relaxed) ^ Mix(descriptor.serial));
  state_ ^= Mix(number << 8 | static_cast<uint64_t>(call));
}

bool CallSchedule::Meets(Fault fault) {
  const uint32_t rate = control_.rates[static_cast<size_t>(fault)].load(std::memory_order_relaxed);
  // Drawn even at rate 0: turning one fault off leaves the schedule of the others as it is.
  const auto drawn = static_cast<uint32_t>(Next() >> 32);
  return rate != 0 && drawn <= rate;
}

bool CallSchedule::MeetsInVain(Fault fault) {
  if (!Meets(fault) || failed_in_a_row_ >= kMostInARow) return false;
  failed_in_a_row_ += 1;
  return true;
}

void CallSchedule::Count(Fault fault) {
  control_.counts[static_cast<size_t>(fault)].fetch_add(1, std::memory_order_relaxed);
}

uint64_t CallSchedule::Next() { return Mix(state_++); }

}  // namespace sluice::testing
