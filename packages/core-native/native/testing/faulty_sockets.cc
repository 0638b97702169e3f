// See faulty_calls.h: accept4(2), connect(2) and its result.
#include <cerrno>
#include <iterator>

#include "break_connection.h"
#include "call_schedule.h"
#include "descriptor_table.h"
#include "faulty_calls.h"
#include "ready_now.h"
#include "real_calls.h"

namespace sluice::testing {

namespace {

/// accept(2): nothing is taken from the backlog, and no edge tells when there is room again.
constexpr int kExhausted[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
/// connect(2): what is known at once, and what the network tells later.
constexpr int kRefused[] = {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, ENOBUFS};
constexpr int kBroken[] = {ECONNREFUSED, EHOSTUNREACH, ETIMEDOUT};

int Fail(int error) {
  errno = error;
  return -1;
}

template <size_t kSize>
int OneOf(CallSchedule& schedule, const int (&errors)[kSize]) {
  return errors[schedule.Below(kSize)];
}

/// Says no to somebody who waits in the backlog.
bool Refuses(CallSchedule& schedule, Fault fault, int fd) {
  if (!schedule.MeetsInVain(fault) || !ReadyNow(fd, POLLIN)) return false;
  schedule.Count(fault);
  return true;
}

}  // namespace

int FaultyAccept(FaultControl& control, int fd, sockaddr* address, socklen_t* length, int flags) {
  Descriptor* const descriptor = DescriptorOf(fd);
  if (descriptor == nullptr) return real().accept4(fd, address, length, flags);
  CallSchedule schedule(control, *descriptor, Call::kAccept);
  if (Refuses(schedule, Fault::kAcceptInterrupted, fd)) return Fail(EINTR);
  if (!descriptor->registered) return real().accept4(fd, address, length, flags);
  if (Refuses(schedule, Fault::kAcceptAborted, fd)) return Fail(ECONNABORTED);
  if (Refuses(schedule, Fault::kAcceptExhausted, fd)) return Fail(OneOf(schedule, kExhausted));
  if (Refuses(schedule, Fault::kAcceptAgain, fd)) {
    Rearm(fd, EPOLLIN);
    return Fail(EAGAIN);
  }
  schedule.Passed();
  return real().accept4(fd, address, length, flags);
}

int FaultyConnect(FaultControl& control, int fd, const sockaddr* address, socklen_t length) {
  Descriptor* const descriptor = DescriptorOf(fd);
  if (descriptor == nullptr) return real().connect(fd, address, length);
  CallSchedule schedule(control, *descriptor, Call::kConnect);
  if (schedule.Meets(Fault::kConnectRefused)) {
    schedule.Count(Fault::kConnectRefused);
    return Fail(OneOf(schedule, kRefused));
  }
  const bool interrupted = schedule.Meets(Fault::kConnectInterrupted);
  const int result = real().connect(fd, address, length);
  if (!interrupted || (result != 0 && errno != EINPROGRESS)) return result;
  // The connection goes on being made, as connect(2) says of EINTR.
  schedule.Count(Fault::kConnectInterrupted);
  return Fail(EINTR);
}

int FaultyConnectResult(FaultControl& control, int fd, int* error, socklen_t* length) {
  Descriptor* const descriptor = DescriptorOf(fd);
  const int result = real().getsockopt(fd, SOL_SOCKET, SO_ERROR, error, length);
  if (descriptor == nullptr || result != 0 || *error != 0) return result;
  CallSchedule schedule(control, *descriptor, Call::kConnectResult);
  if (!schedule.Meets(Fault::kConnectBroken)) return result;
  if (!BreakConnection(fd, *descriptor, Notice::kTaken)) return result;
  schedule.Count(Fault::kConnectBroken);
  *error = OneOf(schedule, kBroken);
  return 0;
}

}  // namespace sluice::testing
