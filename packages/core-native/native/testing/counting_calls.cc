// Counts system calls: a library to be preloaded (LD_PRELOAD, ld.so(8)) that puts itself before the
// C library's functions that make them. Never part of the addon. Rule: a call is counted before it
// is made and passed on as it is. What a program asks of the kernel without these functions is not
// seen: futex(2) of locks, brk(2) of malloc, what is done through stdio(3).
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "count_table.h"

#define SLUICE_COUNTS extern "C" __attribute__((visibility("default")))

/// The C library's own function behind the one of the same name here.
#define SLUICE_NEXT(name) \
  static const auto next = reinterpret_cast<decltype(&::name)>(dlsym(RTLD_NEXT, #name))

/// Defines `name`, counted in `row`. `parameters` end in noexcept where the header's do.
#define SLUICE_COUNTED(row, result, name, parameters, arguments) \
  SLUICE_COUNTS result name parameters {                         \
    SLUICE_NEXT(name);                                           \
    Count(RowOf(row));                                           \
    return next arguments;                                       \
  }

using namespace sluice::testing;

SLUICE_COUNTED("read", ssize_t, read, (int fd, void* data, size_t length), (fd, data, length))
SLUICE_COUNTED("write", ssize_t, write, (int fd, const void* data, size_t length),
               (fd, data, length))
SLUICE_COUNTED("readv", ssize_t, readv, (int fd, const iovec* parts, int count), (fd, parts, count))
SLUICE_COUNTED("writev", ssize_t, writev, (int fd, const iovec* parts, int count),
               (fd, parts, count))
SLUICE_COUNTED("pread64", ssize_t, pread64, (int fd, void* data, size_t length, off64_t offset),
               (fd, data, length, offset))
SLUICE_COUNTED("preadv64", ssize_t, preadv64,
               (int fd, const iovec* parts, int count, off64_t offset), (fd, parts, count, offset))
SLUICE_COUNTED("preadv64v2", ssize_t, preadv64v2,
               (int fd, const iovec* parts, int count, off64_t offset, int flags),
               (fd, parts, count, offset, flags))

SLUICE_COUNTED("recv", ssize_t, recv, (int fd, void* data, size_t length, int flags),
               (fd, data, length, flags))
SLUICE_COUNTED("recvfrom", ssize_t, recvfrom,
               (int fd, void* data, size_t length, int flags, sockaddr* from, socklen_t* size),
               (fd, data, length, flags, from, size))
SLUICE_COUNTED("recvmsg", ssize_t, recvmsg, (int fd, msghdr* message, int flags),
               (fd, message, flags))
SLUICE_COUNTED("send", ssize_t, send, (int fd, const void* data, size_t length, int flags),
               (fd, data, length, flags))
SLUICE_COUNTED("sendto", ssize_t, sendto,
               (int fd, const void* data, size_t length, int flags, const sockaddr* to,
                socklen_t size),
               (fd, data, length, flags, to, size))
SLUICE_COUNTED("sendmsg", ssize_t, sendmsg, (int fd, const msghdr* message, int flags),
               (fd, message, flags))
SLUICE_COUNTED("sendfile", ssize_t, sendfile,
               (int fd, int file, off_t* offset, size_t length) noexcept,
               (fd, file, offset, length))
SLUICE_COUNTED("sendfile", ssize_t, sendfile64,
               (int fd, int file, off64_t* offset, size_t length) noexcept,
               (fd, file, offset, length))

SLUICE_COUNTED("socket", int, socket, (int domain, int type, int protocol) noexcept,
               (domain, type, protocol))
SLUICE_COUNTED("bind", int, bind, (int fd, const sockaddr* address, socklen_t size) noexcept,
               (fd, address, size))
SLUICE_COUNTED("listen", int, listen, (int fd, int backlog) noexcept, (fd, backlog))
SLUICE_COUNTED("accept", int, accept, (int fd, sockaddr* address, socklen_t* size),
               (fd, address, size))
SLUICE_COUNTED("accept4", int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags),
               (fd, address, size, flags))
SLUICE_COUNTED("connect", int, connect, (int fd, const sockaddr* address, socklen_t size),
               (fd, address, size))
SLUICE_COUNTED("shutdown", int, shutdown, (int fd, int how) noexcept, (fd, how))
SLUICE_COUNTED("close", int, close, (int fd), (fd))
SLUICE_COUNTED("getsockname", int, getsockname,
               (int fd, sockaddr* address, socklen_t* size) noexcept, (fd, address, size))
SLUICE_COUNTED("getpeername", int, getpeername,
               (int fd, sockaddr* address, socklen_t* size) noexcept, (fd, address, size))
SLUICE_COUNTED("getsockopt", int, getsockopt,
               (int fd, int level, int option, void* value, socklen_t* size) noexcept,
               (fd, level, option, value, size))
SLUICE_COUNTED("setsockopt", int, setsockopt,
               (int fd, int level, int option, const void* value, socklen_t size) noexcept,
               (fd, level, option, value, size))

SLUICE_COUNTED("epoll_ctl", int, epoll_ctl,
               (int epoll_fd, int operation, int fd, epoll_event* event) noexcept,
               (epoll_fd, operation, fd, event))
SLUICE_COUNTED("epoll_wait", int, epoll_wait,
               (int epoll_fd, epoll_event* events, int capacity, int timeout_ms),
               (epoll_fd, events, capacity, timeout_ms))
SLUICE_COUNTED("poll", int, poll, (pollfd * fds, nfds_t count, int timeout_ms),
               (fds, count, timeout_ms))
SLUICE_COUNTED("eventfd", int, eventfd, (unsigned int value, int flags) noexcept, (value, flags))

SLUICE_COUNTED("fstat", int, fstat, (int fd, struct stat* facts) noexcept, (fd, facts))
SLUICE_COUNTED("fstat", int, fstat64, (int fd, struct stat64* facts) noexcept, (fd, facts))
SLUICE_COUNTED("stat", int, stat, (const char* path, struct stat* facts) noexcept, (path, facts))
SLUICE_COUNTED("statx", int, statx,
               (int folder, const char* path, int flags, unsigned int wanted,
                struct statx* facts) noexcept,
               (folder, path, flags, wanted, facts))
SLUICE_COUNTED("lseek", off64_t, lseek64, (int fd, off64_t offset, int from) noexcept,
               (fd, offset, from))
SLUICE_COUNTED("posix_fadvise", int, posix_fadvise64,
               (int fd, off64_t offset, off64_t length, int advice) noexcept,
               (fd, offset, length, advice))

SLUICE_COUNTED("rt_sigprocmask", int, pthread_sigmask,
               (int how, const sigset_t* set, sigset_t* before) noexcept, (how, set, before))
SLUICE_COUNTED("rt_sigprocmask", int, sigprocmask,
               (int how, const sigset_t* set, sigset_t* before) noexcept, (how, set, before))
SLUICE_COUNTED("rt_sigtimedwait", int, sigtimedwait,
               (const sigset_t* set, siginfo_t* info, const timespec* timeout),
               (set, info, timeout))
SLUICE_COUNTED("getpid", pid_t, getpid, () noexcept, ())
SLUICE_COUNTED("getrandom", ssize_t, getrandom, (void* data, size_t length, unsigned int flags),
               (data, length, flags))
SLUICE_COUNTED("nanosleep", int, nanosleep, (const timespec* length, timespec* left),
               (length, left))
SLUICE_COUNTED("sched_yield", int, sched_yield, () noexcept, ())

SLUICE_COUNTED("mmap", void*, mmap,
               (void* address, size_t length, int access, int flags, int fd, off_t offset) noexcept,
               (address, length, access, flags, fd, offset))
SLUICE_COUNTED("mmap", void*, mmap64,
               (void* address, size_t length, int access, int flags, int fd,
                off64_t offset) noexcept,
               (address, length, access, flags, fd, offset))
SLUICE_COUNTED("munmap", int, munmap, (void* address, size_t length) noexcept, (address, length))
SLUICE_COUNTED("mprotect", int, mprotect, (void* address, size_t length, int access) noexcept,
               (address, length, access))
SLUICE_COUNTED("madvise", int, madvise, (void* address, size_t length, int advice) noexcept,
               (address, length, advice))
SLUICE_COUNTED("mincore", int, mincore,
               (void* address, size_t length, unsigned char* pages) noexcept,
               (address, length, pages))

/// Node's loop: where its main thread waits.
SLUICE_COUNTS int epoll_pwait(int epoll_fd, epoll_event* events, int capacity, int timeout_ms,
                              const sigset_t* mask) {
  SLUICE_NEXT(epoll_pwait);
  Count(RowOf("epoll_pwait"));
  if (timeout_ms == 0) return next(epoll_fd, events, capacity, timeout_ms, mask);
  SetWaiting(true);
  const int ready = next(epoll_fd, events, capacity, timeout_ms, mask);
  SetWaiting(false);
  return ready;
}

// Functions with arguments that depend on others: as many are passed on as there may be.

SLUICE_COUNTS int ioctl(int fd, unsigned long request, ...) noexcept {
  SLUICE_NEXT(ioctl);
  va_list rest;
  va_start(rest, request);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  Count(RowOf("ioctl"));
  return next(fd, request, argument);
}

SLUICE_COUNTS int fcntl64(int fd, int command, ...) {
  SLUICE_NEXT(fcntl64);
  va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  Count(RowOf("fcntl"));
  return next(fd, command, argument);
}

SLUICE_COUNTS int open64(const char* path, int flags, ...) {
  SLUICE_NEXT(open64);
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  Count(RowOf("open"));
  return next(path, flags, mode);
}

SLUICE_COUNTS int openat(int folder, const char* path, int flags, ...) {
  SLUICE_NEXT(openat);
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  Count(RowOf("openat"));
  return next(folder, path, flags, mode);
}

namespace {

/// Numbers that are the same on all platforms that there are; older headers lack the newer ones.
constexpr long kOpenat2 = 437;
constexpr long kCachestat = 451;
constexpr long kIoUringEnter = 426;

size_t RowOfNumber(long number) {
  switch (number) {
    case kOpenat2:
      return RowOf("openat2");
    case kCachestat:
      return RowOf("cachestat");
    case kIoUringEnter:
      return RowOf("io_uring_enter");
    case SYS_getrandom:
      return RowOf("getrandom");
    case SYS_statx:
      return RowOf("statx");
    default:
      return RowOf("other syscall(2)");
  }
}

}  // namespace

SLUICE_COUNTS long syscall(long number, ...) noexcept {
  SLUICE_NEXT(syscall);
  va_list rest;
  va_start(rest, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(rest, long);
  va_end(rest);
  Count(RowOfNumber(number));
  return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}
