// What a TLS session does with its keys: updates, exports, logs them (tls_session.h). Rule: nothing
// of it overtakes a blocked write.
#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "client_resumption.h"
#include "tls_session.h"

namespace sluice {

namespace {

// RFC 8446 section 7.1: HkdfLabel.length has 16 bits; more than that nobody derives.
constexpr int32_t kMaxExportBytes = 16 * 1024;

[[noreturn]] void ThrowUsage(napi_env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  throw error;
}

}  // namespace

napi_value TlsSession::UpdateKeys(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const int type =
      arguments.Boolean(0, "requestPeer") ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  if (failure_) return Integer(arguments.env(), Answer(Status::kFailed));
  if (!IsHandshaken() || SSL_version(ssl_.get()) != TLS1_3_VERSION) {
    ThrowUsage(arguments.env(), "ERR_TLS_KEY_UPDATE",
               "Keys can be updated in TLS 1.3 only, and after the handshake");
  }
  if (close_notify_sent_) {
    ThrowUsage(arguments.env(), "ERR_TLS_KEY_UPDATE",
               "Our side of the connection has ended: there is nothing to protect with new keys");
  }
  if (CannotUpdateKeys(type)) {
    ThrowUsage(arguments.env(), "ERR_TLS_KEY_UPDATE",
               "The kernel seals this connection and takes no new keys for it: that needs Linux "
               "6.14, or kernelTls off");
  }
  // OpenSSL at the other end, while a write of its own is blocked, takes a second one for an error
  // ("bad length"): it would answer the first in front of that write.
  if (key_updates_.IsAwaited()) return Integer(arguments.env(), ToInt(Status::kDone));
  if (IsWriteBlocked()) {
    key_update_due_ = std::max(key_update_due_, type);
    return Integer(arguments.env(), ToInt(Status::kDone));
  }
  const Entry entry(*this);
  socket_->SendByTheWay();
  return Integer(arguments.env(), Answer(SendKeyUpdate(type)));
}

Status TlsSession::SendKeyUpdate(int type) {
  // An earlier one may still be half sent.
  Status status = SSL_is_init_finished(ssl_.get()) ? Flush("SSL_do_handshake") : Continue();
  if (status != Status::kDone) {
    key_update_due_ = std::max(key_update_due_, type);
    return status;
  }
  if (type == SSL_KEY_UPDATE_REQUESTED) key_updates_.OnRequested();
  // Only notes what the next call has to send. It refuses nothing that was not excluded before.
  SSL_key_update(ssl_.get(), type);
  status = Continue();
  // A read brings it on, as it does by itself where OpenSSL holds the rest (P15).
  read_owes_ = status == Status::kWantsWrite && socket_->has_unsent();
  return status;
}

Status TlsSession::SendDueKeyUpdate() {
  if (key_update_due_ == SSL_KEY_UPDATE_NONE || IsWriteBlocked()) return Status::kDone;
  return SendKeyUpdate(std::exchange(key_update_due_, SSL_KEY_UPDATE_NONE));
}

void TlsSession::NoteKeyUpdate(bool sent) {
  if (sent) return key_updates_.OnSent();
  if (!key_updates_.OnReceived()) Abort("the peer updates its keys too often");
}

napi_value TlsSession::KeyUpdateCounts(const Arguments& arguments) {
  Napi::Object counts = Napi::Object::New(arguments.env());
  counts.Set("received", key_updates_.received());
  counts.Set("sent", key_updates_.sent());
  return counts;
}

napi_value TlsSession::ExportKeyingMaterial(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const int32_t length = arguments.Int(0, "length", 1, kMaxExportBytes);
  const std::string label = arguments.Text(1, "label");
  const bool has_context = !arguments[2].IsUndefined();
  const std::string context = has_context ? arguments.Octets(2, "context") : std::string();
  if (!IsHandshaken()) {
    ThrowUsage(arguments.env(), "ERR_TLS_EXPORT",
               "The handshake is not complete: there are no keys to derive from");
  }
  auto material = Napi::Buffer<unsigned char>::New(arguments.env(), static_cast<size_t>(length));
  ERR_clear_error();
  if (SSL_export_keying_material(ssl_.get(), material.Data(), material.Length(), label.data(),
                                 label.size(),
                                 reinterpret_cast<const unsigned char*>(context.data()),
                                 context.size(), has_context ? 1 : 0) != 1) {
    // Reserved labels ("client finished"), and a context of 64 KiB and more.
    ThrowTlsOption(arguments.env(), "ERR_TLS_EXPORT",
                   "OpenSSL derives nothing for this label and context");
  }
  return material;
}

napi_value TlsSession::TakeKeyLog(const Arguments& arguments) {
  return sluice::TakeKeyLog(arguments.env(), key_log_);
}

napi_value TlsSession::ExportSession(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return sluice::ExportSession(arguments.env(), ssl_.get());
}

}  // namespace sluice
