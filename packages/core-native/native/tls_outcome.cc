// See tls_outcome.h.
#include "tls_outcome.h"

#include <openssl/sslerr.h>

#include <cstdio>
#include <string_view>

namespace sluice {

namespace {

bool IsTruncation(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

Failure ToFailure(int ssl_error, int saved_errno, const char* name) {
  Failure failure;
  failure.call = name;
  failure.errors = ErrorStack::Drain();
  if (IsTruncation(failure.errors.first)) {
    failure.kind = Failure::Kind::kTruncated;
    return failure;
  }
  if (ssl_error == SSL_ERROR_SYSCALL) {
    // An EOF without an errno is how OpenSSL tells a cut stream where it has no reason of its own
    // (SSL_get_error(3)).
    failure.kind = saved_errno == 0 ? Failure::Kind::kTruncated : Failure::Kind::kSystem;
    failure.error_number = saved_errno;
    return failure;
  }
  failure.kind = Failure::Kind::kTls;
  if (failure.errors.first == 0) {
    std::snprintf(failure.detail.data(), failure.detail.size(),
                  "unexpected SSL_get_error() code %d", ssl_error);
  }
  return failure;
}

}  // namespace

TlsOutcome JudgeTls(const SSL* ssl, int result, int saved_errno, const char* name,
                    std::unique_ptr<Failure>& failure) {
  const int error = SSL_get_error(ssl, result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Status::kWantsRead, saved_errno == EINTR};
    case SSL_ERROR_WANT_WRITE:
      return {Status::kWantsWrite, saved_errno == EINTR};
    case SSL_ERROR_ZERO_RETURN:
      if (saved_errno == 0 || std::string_view(name) == "SSL_read") return {Status::kEnded, false};
      // After the peer's close_notify OpenSSL says this of a send that failed, too.
      failure = std::make_unique<Failure>(ToFailure(SSL_ERROR_SYSCALL, saved_errno, name));
      return {Status::kFailed, false};
    case SSL_ERROR_WANT_CLIENT_HELLO_CB:
      return {Status::kSuspended, false};
    default:
      // SSL_ERROR_SSL and SSL_ERROR_SYSCALL are fatal. Every other code belongs to a callback or
      // mode that this addon does not use: unknown, therefore fatal too, and told (P20).
      failure = std::make_unique<Failure>(ToFailure(error, saved_errno, name));
      return {Status::kFailed, false};
  }
}

}  // namespace sluice
