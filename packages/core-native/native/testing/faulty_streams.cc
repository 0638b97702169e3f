// See faulty_calls.h: recv(2), send(2), their like with messages, and sendfile(2).
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

/// For what cannot be cut: an alert that comes in two halves is none (RFC 8446 section 5.1).
constexpr size_t kWhole = 0;

ssize_t Fail(int error) {
  errno = error;
  return -1;
}

/// Part of `length`, which is 2 or more: one byte, a few, or anything.
size_t Part(CallSchedule& schedule, size_t length) {
  static constexpr size_t kLimits[] = {1, 64, 4096, SIZE_MAX};
  return 1 + schedule.Below(std::min(length - 1, kLimits[schedule.Below(4)]));
}

/// A fault after which the connection is no more. Counted when there was one.
bool Breaks(CallSchedule& schedule, Fault fault, int fd, Descriptor& descriptor) {
  if (!schedule.Meets(fault) || !BreakConnection(fd, descriptor, Notice::kTaken)) return false;
  schedule.Count(fault);
  return true;
}

/// A fault after which the connection is what it was, for who cares to go on.
bool Strikes(CallSchedule& schedule, Fault fault, Descriptor& descriptor) {
  if (!schedule.Meets(fault) || descriptor.struck) return false;
  descriptor.struck = true;
  schedule.Count(fault);
  return true;
}

/// A fault that says no although the kernel would say yes.
bool Refuses(CallSchedule& schedule, Fault fault, int fd, short events) {
  if (!schedule.MeetsInVain(fault) || !ReadyNow(fd, events)) return false;
  schedule.Count(fault);
  return true;
}

/// recv(2) or recvmsg(2): `read` makes the call with so much room; `length` is 0 where what there
/// is comes whole or not at all.
template <typename Read>
ssize_t FaultyRead(FaultControl& control, int fd, size_t length, Read read) {
  Descriptor* const descriptor = DescriptorOf(fd);
  if (descriptor == nullptr) return read(length);
  if (descriptor->broken) {
    // After its error a real one reads as ended.
    const ssize_t count = read(length);
    return count < 0 && errno == ENOTCONN ? 0 : count;
  }
  CallSchedule schedule(control, *descriptor, Call::kRecv);
  descriptor->stream = true;
  if (Refuses(schedule, Fault::kRecvInterrupted, fd, POLLIN)) return Fail(EINTR);
  // Without a place in an epoll nothing would tell the caller to come back.
  if (!descriptor->registered) return read(length);
  if (Breaks(schedule, Fault::kRecvReset, fd, *descriptor)) return Fail(ECONNRESET);
  if (Breaks(schedule, Fault::kRecvTimedOut, fd, *descriptor)) return Fail(ETIMEDOUT);
  if (Strikes(schedule, Fault::kRecvNoBuffers, *descriptor)) return Fail(ENOBUFS);
  if (Refuses(schedule, Fault::kRecvAgain, fd, POLLIN)) {
    Rearm(fd, EPOLLIN);
    return Fail(EAGAIN);
  }
  schedule.Passed();
  if (length < 2 || !schedule.Meets(Fault::kRecvShort)) return read(length);
  const size_t part = Part(schedule, length);
  const ssize_t count = read(part);
  if (count != static_cast<ssize_t>(part)) return count;
  schedule.Count(Fault::kRecvShort);
  // A short read says that the queue is empty (epoll(7)); where it is not, data has just come.
  Rearm(fd, EPOLLIN);
  return count;
}

/// send(2), sendmsg(2) or sendfile(2): `write` makes the call with so many bytes; `length` as
/// above.
template <typename Write>
ssize_t FaultyWrite(FaultControl& control, int fd, size_t length, Write write) {
  Descriptor* const descriptor = DescriptorOf(fd);
  if (descriptor == nullptr || descriptor->broken) return write(length);
  CallSchedule schedule(control, *descriptor, Call::kSend);
  descriptor->stream = true;
  if (Refuses(schedule, Fault::kSendInterrupted, fd, POLLOUT)) return Fail(EINTR);
  if (!descriptor->registered) return write(length);
  if (Breaks(schedule, Fault::kSendReset, fd, *descriptor)) return Fail(ECONNRESET);
  if (Breaks(schedule, Fault::kSendPipe, fd, *descriptor)) return Fail(EPIPE);
  if (Strikes(schedule, Fault::kSendNoBuffers, *descriptor)) return Fail(ENOBUFS);
  if (Refuses(schedule, Fault::kSendAgain, fd, POLLOUT)) {
    // Only for whoever waits for it already: others will ask the kernel, which then looks.
    Rearm(fd, EPOLLOUT);
    return Fail(EAGAIN);
  }
  schedule.Passed();
  if (length < 2 || !schedule.Meets(Fault::kSendShort)) return write(length);
  const size_t part = Part(schedule, length);
  const ssize_t count = write(part);
  if (count != static_cast<ssize_t>(part)) return count;
  schedule.Count(Fault::kSendShort);
  Rearm(fd, EPOLLOUT);
  return count;
}

}  // namespace

ssize_t FaultyRecv(FaultControl& control, int fd, void* buffer, size_t length, int flags) {
  return FaultyRead(control, fd, length,
                    [&](size_t part) { return real().recv(fd, buffer, part, flags); });
}

ssize_t FaultyRecvMessage(FaultControl& control, int fd, msghdr* message, int flags) {
  return FaultyRead(control, fd, kWhole,
                    [&](size_t) { return real().recvmsg(fd, message, flags); });
}

ssize_t FaultySend(FaultControl& control, int fd, const void* buffer, size_t length, int flags) {
  return FaultyWrite(control, fd, length,
                     [&](size_t part) { return real().send(fd, buffer, part, flags); });
}

ssize_t FaultySendMessage(FaultControl& control, int fd, const msghdr* message, int flags) {
  return FaultyWrite(control, fd, kWhole,
                     [&](size_t) { return real().sendmsg(fd, message, flags); });
}

ssize_t FaultySendFile(FaultControl& control, int fd, int file, off64_t* offset, size_t length) {
  return FaultyWrite(control, fd, length,
                     [&](size_t part) { return real().sendfile64(fd, file, offset, part); });
}

}  // namespace sluice::testing
