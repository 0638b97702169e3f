// See readiness.h.
#include "readiness.h"

#include <sys/epoll.h>

namespace sluice {

namespace {

constexpr int32_t kReadyReadable = 1;
constexpr int32_t kReadyWritable = 2;
constexpr int32_t kReadyReadClosed = 4;
constexpr int32_t kReadyHangup = 8;
constexpr int32_t kReadyError = 16;
constexpr int32_t kReadyUrgent = 32;

}  // namespace

uint32_t ToEpollEvents(int32_t interest) {
  // EPOLLRDHUP is on whatever the interest: without it the FIN of a peer is indistinguishable from
  // more data, and the reactor could not tell a short read that may stop from one that must go on.
  // EPOLLPRI too: recv(2) stops at the mark of urgent data (tcp(7)), so that a short read no longer
  // says that the queue is empty. Nothing else is done with urgent data (RFC 6093).
  // EPOLLHUP and EPOLLERR cannot be masked (epoll_ctl(2)). EPOLLEXCLUSIVE and EPOLLONESHOT have no
  // place here: one reactor owns a descriptor.
  uint32_t events = EPOLLET | EPOLLRDHUP | EPOLLPRI;
  if (interest & kInterestReadable) events |= EPOLLIN;
  if (interest & kInterestWritable) events |= EPOLLOUT;
  return events;
}

int32_t ToReady(uint32_t events) {
  int32_t ready = 0;
  if (events & EPOLLIN) ready |= kReadyReadable;
  if (events & EPOLLOUT) ready |= kReadyWritable;
  if (events & EPOLLRDHUP) ready |= kReadyReadClosed;
  if (events & EPOLLHUP) ready |= kReadyHangup;
  if (events & EPOLLERR) ready |= kReadyError;
  if (events & EPOLLPRI) ready |= kReadyUrgent;
  return ready;
}

}  // namespace sluice
