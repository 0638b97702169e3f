// See faulty_calls.h: epoll_wait(2).
#include <algorithm>
#include <cerrno>

#include "break_connection.h"
#include "call_schedule.h"
#include "descriptor_table.h"
#include "faulty_calls.h"
#include "ready_now.h"
#include "real_calls.h"

namespace sluice::testing {

namespace {

/// A batch that is cut off has at most so many events.
constexpr size_t kSmallBatch = 3;

bool IsBreakable(const Descriptor& descriptor, int epoll_fd) {
  return descriptor.registered && descriptor.stream && !descriptor.struck &&
         descriptor.epoll_fd == epoll_fd;
}

/// One of the connections registered with `epoll_fd`, as if a reset had come in.
void BreakSomebody(CallSchedule& schedule, int epoll_fd) {
  size_t candidates = 0;
  for (int fd = 0; fd < DescriptorEnd(); ++fd) {
    if (IsBreakable(*KnownDescriptorOf(fd), epoll_fd)) candidates += 1;
  }
  if (candidates == 0) return;
  size_t chosen = schedule.Below(candidates);
  for (int fd = 0; fd < DescriptorEnd(); ++fd) {
    Descriptor& descriptor = *KnownDescriptorOf(fd);
    if (!IsBreakable(descriptor, epoll_fd) || chosen-- > 0) continue;
    if (BreakConnection(fd, descriptor, Notice::kPending)) schedule.Count(Fault::kWaitReset);
    return;
  }
}

}  // namespace

int FaultyWait(FaultControl& control, int epoll_fd, epoll_event* events, int capacity,
               int timeout_ms) {
  Descriptor* const descriptor = DescriptorOf(epoll_fd);
  if (descriptor == nullptr) return real().epoll_wait(epoll_fd, events, capacity, timeout_ms);
  CallSchedule schedule(control, *descriptor, Call::kWait);
  if (schedule.Meets(Fault::kWaitReset)) BreakSomebody(schedule, epoll_fd);
  // What is ready stays so in the epoll: the loop that watches it, level-triggered, comes again.
  if (schedule.MeetsInVain(Fault::kWaitInterrupted) && ReadyNow(epoll_fd, POLLIN)) {
    schedule.Count(Fault::kWaitInterrupted);
    errno = EINTR;
    return -1;
  }
  schedule.Passed();
  if (capacity < 2 || !schedule.Meets(Fault::kWaitShort))
    return real().epoll_wait(epoll_fd, events, capacity, timeout_ms);
  const auto limit = std::min(static_cast<size_t>(capacity) - 1, kSmallBatch);
  const int part = 1 + static_cast<int>(schedule.Below(limit));
  const int count = real().epoll_wait(epoll_fd, events, part, timeout_ms);
  if (count == part && ReadyNow(epoll_fd, POLLIN)) schedule.Count(Fault::kWaitShort);
  return count;
}

}  // namespace sluice::testing
