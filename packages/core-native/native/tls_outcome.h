// What an SSL_* call came to. Rule: every SSL_* call that moves bytes goes through here, so that
// the error queue is empty before it, errno is saved right after it, and SSL_get_error is the next
// OpenSSL call on this thread (P19).
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <memory>

#include "failure.h"
#include "status.h"

namespace sluice {

struct TlsOutcome {
  Status status;
  /// A signal interrupted the socket call below: no edge will come for it, so the call has to be
  /// made again.
  bool interrupted;
};

/// Judges a `result` of 0 or less. Makes `failure` when the answer is kFailed.
TlsOutcome JudgeTls(const SSL* ssl, int result, int saved_errno, const char* name,
                    std::unique_ptr<Failure>& failure);

/// Runs `call`, which answers as SSL_read_ex or SSL_do_handshake do; kDone when it succeeded.
/// `name` is a literal.
template <typename Call>
Status RunTls(const SSL* ssl, const char* name, std::unique_ptr<Failure>& failure, Call call) {
  for (;;) {
    // To clear is to write to all sixteen places of the queue, used or not; to look is not.
    if (ERR_peek_error() != 0) ERR_clear_error();
    errno = 0;
    const int result = call();
    const int saved_errno = errno;
    if (result > 0) return Status::kDone;
    const TlsOutcome outcome = JudgeTls(ssl, result, saved_errno, name, failure);
    if (!outcome.interrupted) return outcome.status;
  }
}

}  // namespace sluice
