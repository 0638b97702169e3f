// What a TLS session does where the kernel seals for it (tls_session.h, kernel_tls_socket.h). Rule:
// OpenSSL is asked what it has handed over, never what it was told to (P40).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>

#include "kernel_tls.h"
#include "no_sigpipe.h"
#include "shared_tls_socket.h"
#include "tls_session.h"

namespace sluice {

std::unique_ptr<TlsSocket> TlsSession::MakeSocket(int fd) {
  if (core_->shared_buffers)
    return std::make_unique<SharedTlsSocket>(fd, environment_->tls_buffers());
  if (core_->kernel_tls == KernelTls::kOff) return std::make_unique<DirectTlsSocket>(fd);
  auto socket = std::make_unique<KernelTlsSocket>(fd, core_->kernel_tls == KernelTls::kBoth);
  kernel_ = socket.get();
  // Of the session, so that who chooses another context by name takes it along.
  if (ssl_ && LibraryRefusal().empty()) SSL_set_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
  return socket;
}

void TlsSession::SettleKernelTls() {
  // OpenSSL would offer new keys of a KeyUpdate to the kernel in user space's directions, too, and
  // lose what it has read ahead when that refuses. Those that are the kernel's stay so.
  SSL_clear_options(ssl_.get(), SSL_OP_ENABLE_KTLS);
  // Until now each record was two reads. Where the kernel opens them OpenSSL has set it by itself.
  if (!kernel_->receives()) SSL_set_read_ahead(ssl_.get(), 1);
}

Napi::Object TlsSession::KernelTlsOf(Napi::Env env) const {
  const bool sends = BIO_get_ktls_send(SSL_get_wbio(ssl_.get())) > 0;
  const bool receives = BIO_get_ktls_recv(SSL_get_rbio(ssl_.get())) > 0;
  const std::string reason = kernel_ == nullptr ? "kernelTls is off" : kernel_->Reason();
  Napi::Object status = Napi::Object::New(env);
  status.Set("send", sends);
  status.Set("receive", receives);
  status.Set("reason", reason.empty() ? env.Undefined() : Napi::String::New(env, reason));
  return status;
}

napi_value TlsSession::KernelTlsStatus(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return KernelTlsOf(arguments.env());
}

bool TlsSession::CannotUpdateKeys(int type) const {
  if (kernel_ == nullptr || ProbedKernelTls().rekey) return false;
  return kernel_->sends() || (kernel_->receives() && type == SSL_KEY_UPDATE_REQUESTED);
}

napi_value TlsSession::SendFile(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const int file = arguments.Int(0, "file", 0, INT32_MAX);
  const size_t offset = arguments.Size(1, "offset");
  const size_t length = std::min<size_t>(arguments.Size(2, "length"), kMaxCount);
  if (length == 0) arguments.ThrowNothingToMove();
  if (IsWriteBlocked()) {
    throw Napi::Error::New(arguments.env(),
                           "A file cannot overtake a blocked write: finish that write first");
  }
  if (failure_) return Integer(arguments.env(), Answer(Status::kFailed));
  if (kernel_ == nullptr || !kernel_->sends() || !IsHandshaken())
    return Integer(arguments.env(), environment_->Fail(EOPNOTSUPP, "SSL_sendfile"));
  const Entry entry(*this);
  SettleTickets();
  // Tickets, and the answer to a KeyUpdate, which OpenSSL keeps for SSL_write alone.
  const int due = SSL_get_key_update_type(ssl_.get());
  if (due != SSL_KEY_UPDATE_NONE) SSL_key_update(ssl_.get(), due);
  const Status owed = SSL_is_init_finished(ssl_.get()) ? Status::kDone : Continue();
  if (owed != Status::kDone) return Integer(arguments.env(), Answer(owed));
  return Integer(arguments.env(), SendFileRange(file, static_cast<off_t>(offset), length));
}

int32_t TlsSession::SendFileRange(int file, off_t offset, size_t length) {
  const NoSigpipe no_sigpipe;
  for (;;) {
    if (ERR_peek_error() != 0) ERR_clear_error();
    errno = 0;
    const ossl_ssize_t sent = SSL_sendfile(ssl_.get(), file, offset, length, 0);
    const int saved_errno = errno;
    kernel_->NoteSentFile(sent);
    if (sent >= 0) {
      environment_->traffic().sealed += static_cast<uint64_t>(sent);
      return static_cast<int32_t>(sent);
    }
    const int error = SSL_get_error(ssl_.get(), -1);
    if (saved_errno == EINTR) continue;
    if (error == SSL_ERROR_WANT_WRITE) {
      kernel_->PushWaiting();
      return ToInt(Status::kWantsWrite);
    }
    if (error == SSL_ERROR_WANT_READ) return ToInt(Status::kWantsRead);
    // By errno alone (P42). The file's failure is none of the session; the socket's is met again.
    ERR_clear_error();
    return environment_->Fail(saved_errno == 0 ? EIO : saved_errno, "SSL_sendfile");
  }
}

}  // namespace sluice
