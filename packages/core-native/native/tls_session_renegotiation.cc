// How a TLS session takes part in a renegotiation of TLS 1.2 (tls_session.h, renegotiation.h).
// Rule: a read brings it on by itself; a write or a close_notify does so without sending anything
// in the same call, and waits where data is in front: that is for a read to take.
#include "tls_psk.h"
#include "tls_session.h"

namespace sluice {

void TlsSession::AllowRenegotiation() {
  const RenegotiationLimit limit = served().renegotiations;
  // The kernel has no second keys of TLS 1.2 (P40).
  if (limit.count == 0 || kernel_ != nullptr || !Renegotiation::IsSafe(ssl_.get())) return;
  renegotiation_ = std::make_unique<Renegotiation>(ssl_.get(), limit,
                                                   [this](const char* reason) { Abort(reason); });
  // OpenSSL takes it for a mistake when it has sealed a record that finds no room and then has to
  // send a handshake message instead ("bad length", "bad write retry"). What it seals is taken.
  socket_->set_keeps_all(true);
}

Status TlsSession::Renegotiate() {
  if (!renegotiation_ || !renegotiation_->IsUnderWay()) return Status::kDone;
  // Not SSL_do_handshake: it fails over data, which the peer may send until it has answered.
  const Status status = Peek();
  if (socket_->took_input()) read_due_ = true;
  const Status flushed = Flush("SSL_read");
  if (status == Status::kFailed || flushed != Status::kDone) return flushed;
  if (!renegotiation_->IsUnderWay()) return Status::kDone;
  if (status != Status::kEnded) return Status::kWantsRead;
  failure_ = std::make_unique<Failure>(
      Failure::Tls("SSL_read", "the peer ended its side in the middle of a renegotiation"));
  return Status::kFailed;
}

napi_value TlsSession::Renegotiations(const Arguments& arguments) {
  if (!renegotiation_) return Undefined(arguments.env());
  return Integer(arguments.env(), static_cast<int32_t>(renegotiation_->count()));
}

napi_value TlsSession::ReadDue(const Arguments& arguments) {
  return Napi::Boolean::New(arguments.env(), read_due_);
}

}  // namespace sluice
