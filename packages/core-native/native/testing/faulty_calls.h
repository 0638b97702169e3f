// The calls of the addon as a bad day of the kernel would answer them.
// Rule: nothing that no kernel would do. What was hidden from an edge-triggered reader is announced
// by a fresh edge, a connection that is told broken is broken, and a fault is counted only where it
// made a difference.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include "fault_control.h"

namespace sluice::testing {

ssize_t FaultyRecv(FaultControl& control, int fd, void* buffer, size_t length, int flags);
ssize_t FaultySend(FaultControl& control, int fd, const void* buffer, size_t length, int flags);
/// A record that the kernel has opened, or is to seal (kernel TLS): it meets the faults of the two
/// above, but comes and goes whole.
ssize_t FaultyRecvMessage(FaultControl& control, int fd, msghdr* message, int flags);
ssize_t FaultySendMessage(FaultControl& control, int fd, const msghdr* message, int flags);
ssize_t FaultySendFile(FaultControl& control, int fd, int file, off64_t* offset, size_t length);
int FaultyAccept(FaultControl& control, int fd, sockaddr* address, socklen_t* length, int flags);
int FaultyConnect(FaultControl& control, int fd, const sockaddr* address, socklen_t length);
/// getsockopt(2) of SO_ERROR: how the result of a connect is asked for.
int FaultyConnectResult(FaultControl& control, int fd, int* error, socklen_t* length);
int FaultyWait(FaultControl& control, int epoll_fd, epoll_event* events, int capacity,
               int timeout_ms);

}  // namespace sluice::testing
