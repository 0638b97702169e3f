// What the seed holds for one call on one descriptor.
// Rule: the schedule of a descriptor depends on the seed, on its place among the descriptors, on
// the call and on how often that call was made on it; never on what other descriptors do. So it is
// the same in each run, however the events of the machine interleave.
#pragma once

#include <cstddef>
#include <cstdint>

#include "descriptor_table.h"
#include "fault_control.h"

namespace sluice::testing {

class CallSchedule {
 public:
  /// Of the next such call on `descriptor`.
  CallSchedule(FaultControl& control, Descriptor& descriptor, Call call);

  /// Draws whether this call meets `fault`.
  bool Meets(Fault fault);

  /// As above, for a failure after which the caller tries again and nothing was done: a few in a
  /// row and no more, so that at any rate the caller gets on.
  bool MeetsInVain(Fault fault);

  /// The caller was served as it asked: failures in vain count anew.
  void Passed() { failed_in_a_row_ = 0; }

  /// A number in [0, limit).
  size_t Below(size_t limit) { return static_cast<size_t>(Next() % limit); }

  /// Counts `fault` as done.
  void Count(Fault fault);

 private:
  uint64_t Next();

  FaultControl& control_;
  uint8_t& failed_in_a_row_;
  uint64_t state_;
};

}  // namespace sluice::testing
