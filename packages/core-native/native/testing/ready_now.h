// Whether a descriptor is ready at this moment.
#pragma once

#include <poll.h>

#include <cerrno>

namespace sluice::testing {

/// For any of `events` (poll(2)). Leaves errno alone.
inline bool ReadyNow(int fd, short events) {
  const int error = errno;
  pollfd state{fd, events, 0};
  const bool ready = poll(&state, 1, 0) > 0 && (state.revents & events) != 0;
  errno = error;
  return ready;
}

}  // namespace sluice::testing
