// What is the same for every system call on a non-blocking descriptor.
#pragma once

#include <cerrno>

namespace sluice {

inline bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

/// Runs a system call again while a signal interrupts it (signal(7)).
template <typename Call>
auto RetryInterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace sluice
