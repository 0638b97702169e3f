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

}  // namespace

uint32_t ToEpollEvents(int32_t interest) {
  // EPOLLRDHUP is on whatever the interest: without it the FIN of a peer is indistinguishable from
  // more data, and the reactor could not tell a short read that may stop from one that must go on.
  // EPOLLHUP and EPOLLERR cannot be masked (epoll_ctl(2)). EPOLLEXCLUSIVE and EPOLLONESHOT have no
  // place here: one reactor owns a descriptor.
  uint32_t events = EPOLLET | EPOLLRDHUP;
  if (interest & kInterestReadable) events |= EPOLLIN;
  if (interest & kInterestWritable) events |= EPOLLOUT;
  return events;
}

int32_t ToReady(uint32_t events) {
  int32_t ready = 0;
  // EPOLLPRI (urgent data) is never asked for: TCP's urgent pointer has no defined use any more
  // (RFC 6093).
  if (events & EPOLLIN) ready |= kReadyReadable;
  if (events & EPOLLOUT) ready |= kReadyWritable;
  if (events & EPOLLRDHUP) ready |= kReadyReadClosed;
  if (events & EPOLLHUP) ready |= kReadyHangup;
  if (events & EPOLLERR) ready |= kReadyError;
  return ready;
}

}  // namespace sluice
