// What the fault library knows of each descriptor: its place in an epoll, and how far its schedule
// has gone.
// Rule: no locks. A descriptor belongs to one thread at a time, and a lock held by another thread
// while a process forks would never be released in the child.
#pragma once

#include <sys/epoll.h>

#include <cstdint>

namespace sluice::testing {

/// The calls that have a schedule of their own.
enum class Call : uint32_t { kRecv, kSend, kAccept, kConnect, kConnectResult, kWait };

constexpr uint32_t kCallCount = static_cast<uint32_t>(Call::kWait) + 1;

struct Descriptor {
  /// Registered with `epoll_fd` as `event` says.
  bool registered;
  /// Bytes were asked for or offered: a connection, not a listener.
  bool stream;
  /// An epoll that others are registered with.
  bool epoll;
  /// Met a hostile fault: one is enough for a life, so that each is told by the end which met it.
  bool struck;
  /// Its connection was broken by this library.
  bool broken;
  int epoll_fd;
  epoll_event event;
  /// The number of this descriptor among those first used since the last new seed; valid in
  /// `epoch` only.
  uint32_t epoch;
  uint32_t serial;
  uint32_t calls[kCallCount];
  /// How often in a row a call was made to fail although it could have gone on.
  uint8_t failed_in_a_row[kCallCount];
};

/// Null for a number that is out of the table: such a descriptor meets no faults.
Descriptor* DescriptorOf(int fd);

/// As above, for a descriptor that the addon has used; others stay untouched.
Descriptor* KnownDescriptorOf(int fd);

/// Notes what an epoll_ctl(2) that went well has changed.
void NoteRegistration(int epoll_fd, int operation, int fd, const epoll_event* event);

/// Forgets `fd`, which is about to be closed, and what was registered with it.
void ForgetDescriptor(int fd);

/// One more than the highest number in use.
int DescriptorEnd();

/// Asks the kernel for a fresh edge if `fd` is registered for any of `events` and ready for them
/// now: EPOLL_CTL_MOD looks at once (epoll_ctl(2)). Without it a readiness that the library hid
/// would never be told again, which no kernel does.
void Rearm(int fd, uint32_t events);

}  // namespace sluice::testing
