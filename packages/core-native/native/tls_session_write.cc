// How a TLS session writes, and what leaves together with what is written (tls_session.h). Rule: a
// write that was answered with a want is told when all that was accepted of it has left, and
// nothing overtakes it (P17).
#include <utility>

#include "tls_resumption.h"
#include "tls_session.h"

namespace sluice {

namespace {

bool IsWant(Status status) { return status == Status::kWantsRead || status == Status::kWantsWrite; }

}  // namespace

napi_value TlsSession::Write(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const ByteRange range = arguments.Bytes(0);
  if (range.length < blocked_write_) {
    throw Napi::RangeError::New(arguments.env(),
                                "A blocked write of " + std::to_string(blocked_write_) +
                                    " bytes must be retried with the same bytes, at least as many");
  }
  return Integer(arguments.env(), WriteFrom(range));
}

int32_t TlsSession::WriteFrom(ByteRange range) {
  const Entry entry(*this);
  SettleTickets();
  const int32_t written = WriteRecords(range);
  // A failure of it is kept for the next call. Nobody comes back for the sake of a part that has
  // not left: the write is over when it has.
  Status status = written > 0 && wrote_early_ ? SendDueTickets() : Status::kDone;
  if (written > 0 && status == Status::kDone) status = SendDueKeyUpdate();
  if (!IsWant(status)) {
    if (written > 0) environment_->traffic().sealed += written;
    return written;
  }
  blocked_write_ = range.length;
  accepted_write_ = static_cast<size_t>(written);
  return ToInt(status);
}

Status TlsSession::SendDueTickets() {
  SettleTickets();
  if (!tickets_settled_ || SSL_is_init_finished(ssl_.get())) return Status::kDone;
  const Status status = Continue();
  // A read brings them on, as it does by itself where OpenSSL holds the rest (P15).
  read_owes_ = status == Status::kWantsWrite && socket_->has_unsent();
  return status;
}

void TlsSession::SettleTickets() {
  if (!core_->server || tickets_settled_ || !IsHandshaken()) return;
  // Behind an answer to a KeyUpdate, or a record that is blocked, they would wait for the write
  // after this one: a message that is read meanwhile would find them due and fail ("bad length").
  if (IsWriteBlocked() || SSL_get_key_update_type(ssl_.get()) != SSL_KEY_UPDATE_NONE) return;
  tickets_settled_ = true;
  SendTicketsWithNextWrite(ssl_.get(), served().tickets, IsResumed());
}

int32_t TlsSession::WriteRecords(ByteRange range) {
  // What OpenSSL has begun to send by itself comes first; a renegotiation is a matter of its own.
  Status status = Flush("SSL_write");
  const bool owes = IsHandshaken() && !renegotiation_ && !SSL_is_init_finished(ssl_.get());
  // In shared buffers it stays for what is written behind it: both leave in one send.
  if (status == Status::kDone && owes)
    status = Run("SSL_do_handshake", [&] { return SSL_do_handshake(ssl_.get()); });
  size_t total = std::exchange(accepted_write_, 0);
  // What was accepted before is told first: the bytes behind it are a write of their own.
  bool more = total == 0;
  // Not inside of SSL_write: it would send to whoever is there afterwards.
  if (more && status == Status::kDone) status = Renegotiate();
  while (more && status == Status::kDone && total < range.length) {
    if (total > 0 && !MayWriteEarly()) break;
    // One record a call: OpenSSL accepts no more with partial writes.
    const ByteRange rest{range.data + total, range.length - total};
    size_t count = 0;
    status = early_ != Early::kNone ? WriteEarly(rest, count) : WriteRecord(rest, count);
    total += count;
    // Straight to the socket a second record could block after the first was accepted, which a
    // single answer cannot tell.
    more = core_->shared_buffers && !socket_->has_unsent();
  }
  if (status == Status::kDone) status = Flush("SSL_write");
  if (status == Status::kDone) {
    blocked_write_ = 0;
    return static_cast<int32_t>(total);
  }
  const bool blocked = IsWant(status);
  blocked_write_ = blocked ? range.length : 0;
  accepted_write_ = blocked ? total : 0;
  return Answer(status);
}

Status TlsSession::WriteRecord(ByteRange range, size_t& count) {
  const Status status =
      Run("SSL_write", [&] { return SSL_write_ex(ssl_.get(), range.data, range.length, &count); });
  record_pinned_ = IsWant(status);
  return status;
}

}  // namespace sluice
