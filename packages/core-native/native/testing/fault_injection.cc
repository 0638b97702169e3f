// A library to be preloaded (LD_PRELOAD, ld.so(8)): it puts itself before the system calls of the
// addon and makes some of them fail, by a schedule that a seed decides. Never part of the addon.
// Rule: whoever else calls gets the C library's own function and nothing more.
#include "addon_caller.h"
#include "descriptor_table.h"
#include "fault_control.h"
#include "faulty_calls.h"
#include "real_calls.h"

#define SLUICE_INTERPOSES extern "C" __attribute__((visibility("default"), noinline))
/// Where the control is when this call is to meet faults. A macro: the return address is that of
/// the function which stands here.
#define SLUICE_FAULTS_FOR_CALLER() ActiveControl(__builtin_return_address(0))

using namespace sluice::testing;

namespace {

bool IsOurs(const void* caller) { return IsInAddon(caller) && FaultControl::Get() != nullptr; }

FaultControl* ActiveControl(const void* caller) {
  if (!IsOurs(caller)) return nullptr;
  FaultControl* const control = FaultControl::Get();
  return control->enabled.load(std::memory_order_relaxed) != 0 ? control : nullptr;
}

}  // namespace

SLUICE_INTERPOSES ssize_t recv(int fd, void* buffer, size_t length, int flags) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().recv(fd, buffer, length, flags);
  return FaultyRecv(*control, fd, buffer, length, flags);
}

SLUICE_INTERPOSES ssize_t send(int fd, const void* buffer, size_t length, int flags) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().send(fd, buffer, length, flags);
  return FaultySend(*control, fd, buffer, length, flags);
}

SLUICE_INTERPOSES ssize_t recvmsg(int fd, msghdr* message, int flags) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().recvmsg(fd, message, flags);
  return FaultyRecvMessage(*control, fd, message, flags);
}

SLUICE_INTERPOSES ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().sendmsg(fd, message, flags);
  return FaultySendMessage(*control, fd, message, flags);
}

/// What sendfile(2) is called where offsets have 64 bits; OpenSSL calls it by its older name, with
/// the same arguments on the platforms that there are.
SLUICE_INTERPOSES ssize_t sendfile64(int fd, int file, off64_t* offset, size_t length) noexcept {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().sendfile64(fd, file, offset, length);
  return FaultySendFile(*control, fd, file, offset, length);
}

SLUICE_INTERPOSES ssize_t sendfile(int fd, int file, off_t* offset, size_t length) noexcept {
  static_assert(sizeof(off_t) == sizeof(off64_t));
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().sendfile64(fd, file, offset, length);
  return FaultySendFile(*control, fd, file, offset, length);
}

SLUICE_INTERPOSES int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().accept4(fd, address, length, flags);
  return FaultyAccept(*control, fd, address, length, flags);
}

SLUICE_INTERPOSES int connect(int fd, const sockaddr* address, socklen_t length) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().connect(fd, address, length);
  return FaultyConnect(*control, fd, address, length);
}

SLUICE_INTERPOSES int getsockopt(int fd, int level, int option, void* value,
                                 socklen_t* length) noexcept {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr || level != SOL_SOCKET || option != SO_ERROR)
    return real().getsockopt(fd, level, option, value, length);
  return FaultyConnectResult(*control, fd, static_cast<int*>(value), length);
}

SLUICE_INTERPOSES int epoll_wait(int epoll_fd, epoll_event* events, int capacity, int timeout_ms) {
  FaultControl* const control = SLUICE_FAULTS_FOR_CALLER();
  if (control == nullptr) return real().epoll_wait(epoll_fd, events, capacity, timeout_ms);
  return FaultyWait(*control, epoll_fd, events, capacity, timeout_ms);
}

SLUICE_INTERPOSES int epoll_ctl(int epoll_fd, int operation, int fd, epoll_event* event) noexcept {
  const bool ours = IsOurs(__builtin_return_address(0));
  const int result = real().epoll_ctl(epoll_fd, operation, fd, event);
  // Noted also while faults are off: they may be turned on at any time.
  if (ours && result == 0) NoteRegistration(epoll_fd, operation, fd, event);
  return result;
}

SLUICE_INTERPOSES int close(int fd) {
  // Whoever closes it, the number means another file from now on.
  ForgetDescriptor(fd);
  return real().close(fd);
}
