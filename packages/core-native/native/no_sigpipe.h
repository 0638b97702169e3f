// Keeps SIGPIPE from this thread while it stands. Rule: for calls on sockets that know no
// MSG_NOSIGNAL, sendfile(2) among them. Node.js ignores the signal, but whoever listens for it once
// and then no more leaves it at its default, which ends the process.
//
// Holding it back takes two system calls, and asking what becomes of it one. So it is asked once,
// and JavaScript says when somebody begins to listen (sigpipe.ts): until then it is ignored.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>

namespace sluice {

/// Of the process: whether SIGPIPE is ignored, and somebody sees to it that this stays true.
inline std::atomic<bool> sigpipe_is_ignored{false};

class NoSigpipe {
 public:
  NoSigpipe() : is_ignored_(sigpipe_is_ignored.load(std::memory_order_relaxed)) {
    if (is_ignored_) return;
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
    if (is_ignored_) return;
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
  const bool is_ignored_;
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace sluice
