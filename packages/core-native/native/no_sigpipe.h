// Keeps SIGPIPE from this thread while it stands. Rule: for calls on sockets that know no
// MSG_NOSIGNAL, sendfile(2) among them. Node.js ignores the signal, but whoever listens for it once
// and then no more leaves it at its default, which ends the process.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <cerrno>

namespace sluice {

class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    // What was held back before us is not ours to take.
    if (sigismember(&before_, SIGPIPE) != 1) return;
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

  /// Leaves errno alone.
  ~NoSigpipe() {
    const int error = errno;
    // Raised together with EPIPE, at this thread; it would arrive as soon as it may.
    if (error == EPIPE && !was_pending_) {
      constexpr timespec kAtOnce{0, 0};
      while (sigtimedwait(&pipe_, nullptr, &kAtOnce) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace sluice
