// Early data of a TLS session (tls_session.h; RFC 8446 section 2.3). Rule: one read never answers
// both what came early and what came after: that the handshake is complete is told between them,
// and whoever reads knows what may be a replay (P48).
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "tls_session.h"

namespace sluice {

namespace {

// OpenSSL reads early data in the call that reads the ClientHello: as little of it as can be, since
// that call has nowhere to put it.
constexpr size_t kFirstBytes = 1;

constexpr const char* kOtherProtocol =
    "the peer did not take the early data and speaks another application protocol";

/// Whether `name` is among `list`, whose names have their lengths in front.
bool Holds(const std::vector<unsigned char>& list, const unsigned char* name, size_t length) {
  for (size_t at = 0; at < list.size(); at += 1 + list[at]) {
    if (list[at] == length && std::memcmp(list.data() + at + 1, name, length) == 0) return true;
  }
  return false;
}

std::string AlpnOf(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

std::string AlpnOf(const SSL_SESSION* session) {
  const unsigned char* name = nullptr;
  size_t length = 0;
  SSL_SESSION_get0_alpn_selected(session, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

/// OpenSSL leaves a ticket that is too old aside, and sends early data all the same.
bool IsFresh(const SSL_SESSION* session) {
  const std::time_t age = std::time(nullptr) - SSL_SESSION_get_time(session);
  return age < static_cast<std::time_t>(SSL_SESSION_get_ticket_lifetime_hint(session));
}

}  // namespace

void TlsSession::AwaitEarlyData(bool may_come) {
  if (may_come) early_ = Early::kAwaited;
  // Where OpenSSL sees a cut stream it drops the session, which is all that there is of a ticket
  // here: whoever leaves out close_notify, as many do, could never come back.
  hides_end_ = may_come;
  if (may_come) socket_->HideEnd();
  // Nor shall its tickets promise any.
  if (!may_come) SSL_set_max_early_data(ssl_.get(), 0);
}

void TlsSession::OfferEarlyData(const std::vector<unsigned char>& alpn) {
  const SSL_SESSION* session = SSL_get0_session(ssl_.get());
  if (core_->max_early_data == 0 || session == nullptr) return;
  const uint32_t most = SSL_SESSION_get_max_early_data(session);
  if (most == 0 || !IsFresh(session)) return;
  // What was spoken then has to be among what is offered now (RFC 8446 section 4.2.10): OpenSSL
  // ends the connection otherwise.
  const std::string spoken = AlpnOf(session);
  const auto& offered = core_->alpn.empty() ? alpn : core_->alpn;
  const auto* name = reinterpret_cast<const unsigned char*>(spoken.data());
  if (!spoken.empty() && !Holds(offered, name, spoken.size())) return;
  early_ = Early::kOffered;
  early_session_.reset(SSL_get1_session(ssl_.get()));
  early_left_ = std::min(most, core_->max_early_data);
}

Status TlsSession::BeginEarlyData() {
  if (early_ == Early::kNone) return Status::kDone;
  if (early_ == Early::kOffered) {
    early_ = Early::kWriting;
    socket_->set_keeps_all(true);
    return Status::kEarly;
  }
  if (early_ != Early::kAwaited) return Status::kEarly;
  // What finds no room is kept: OpenSSL cannot send early answers behind a flight that is blocked.
  socket_->set_keeps_all(true);
  std::array<unsigned char, kFirstBytes> first{};
  size_t count = 0;
  int result = SSL_READ_EARLY_DATA_ERROR;
  const Status status = Run("SSL_do_handshake", [&] {
    result = SSL_read_early_data(ssl_.get(), first.data(), first.size(), &count);
    return result == SSL_READ_EARLY_DATA_ERROR ? 0 : 1;
  });
  if (result == SSL_READ_EARLY_DATA_FINISH) {
    early_ = Early::kNone;
    socket_->set_keeps_all(false);
    return Status::kDone;
  }
  if (result == SSL_READ_EARLY_DATA_SUCCESS) early_first_ = first.front();
  const bool accepted = SSL_get_early_data_status(ssl_.get()) == SSL_EARLY_DATA_ACCEPTED;
  if (status == Status::kFailed || !accepted) return status;
  early_ = Early::kReading;
  // The flight may have found no room: the next read brings it on.
  read_owes_ = FlushToReader("SSL_do_handshake") == Status::kWantsWrite;
  return Status::kEarly;
}

int32_t TlsSession::ReadEarly(ByteRange range) {
  const bool had_unsent = socket_->has_unsent() && !read_owes_;
  const Status owed = read_owes_ ? FlushToReader("SSL_read") : Status::kDone;
  read_owes_ = owed == Status::kWantsWrite;
  if (owed == Status::kFailed) return Answer(owed);
  size_t total = 0;
  if (early_first_) range.data[total++] = *std::exchange(early_first_, std::nullopt);
  Status status = Status::kDone;
  while (early_ == Early::kReading && status == Status::kDone && total < range.length) {
    size_t count = 0;
    int result = SSL_READ_EARLY_DATA_ERROR;
    status = Run("SSL_read_early_data", [&] {
      result = SSL_read_early_data(ssl_.get(), range.data + total, range.length - total, &count);
      return result == SSL_READ_EARLY_DATA_ERROR ? 0 : 1;
    });
    if (result == SSL_READ_EARLY_DATA_FINISH) early_ = Early::kFinishing;
    if (result == SSL_READ_EARLY_DATA_SUCCESS) total += count;
  }
  if (status == Status::kEnded) status = EndedEarly();
  // As of ReadRecords: whatever is not a dry socket is still to be told.
  if (total > 0)
    return static_cast<int32_t>(total) | (status == Status::kWantsRead ? 0 : kReadMore);
  if (status == Status::kDone) status = FinishEarly();
  const Status flushed = had_unsent ? Status::kDone : FlushToReader("SSL_do_handshake");
  // A client that has said nothing sends its very first flight here.
  read_owes_ = flushed == Status::kWantsWrite;
  if (status == Status::kOpened) return ToInt(Status::kOpened);
  return Answer(status == Status::kWantsRead && flushed == Status::kWantsWrite ? flushed : status);
}

Status TlsSession::FinishEarly() {
  if (early_ == Early::kWriting) {
    // OpenSSL's first step in the handshake is the last moment for early data: it can wait for the
    // server to answer.
    if (wrote_early_ && early_left_ > 0 && socket_->IsSilent()) return Status::kWantsRead;
    early_left_ = 0;
  }
  Status status = Run("SSL_do_handshake", [&] { return SSL_do_handshake(ssl_.get()); });
  if (status == Status::kEnded) status = EndedEarly();
  if (status != Status::kDone) return status;
  early_ = Early::kNone;
  handshaken_ = true;
  OnHandshaken();
  if (!failure_) SendEarlyAgain();
  socket_->set_keeps_all(false);
  if (failure_) return Status::kFailed;
  // Who has written early may have written all there is to say: no later write takes them along.
  if (wrote_early_ && SendDueTickets() == Status::kFailed) return Status::kFailed;
  return Status::kOpened;
}

/// Be it by close_notify: nothing says that the peer was there at all.
Status TlsSession::EndedEarly() {
  failure_ = std::make_unique<Failure>(Failure::Truncated("SSL_do_handshake"));
  return Status::kFailed;
}

Status TlsSession::WriteEarly(ByteRange range, size_t& count) {
  const size_t most =
      early_ == Early::kWriting ? std::min<size_t>(range.length, early_left_) : range.length;
  // The rest waits for the handshake, which a read completes.
  if (most == 0) return Status::kWantsRead;
  const Status status =
      Run("SSL_write", [&] { return SSL_write_early_data(ssl_.get(), range.data, most, &count); });
  if (count == 0) return status;
  wrote_early_ = true;
  if (early_ != Early::kWriting) return status;
  early_left_ -= static_cast<uint32_t>(count);
  early_sent_.insert(early_sent_.end(), range.data, range.data + count);
  return status;
}

void TlsSession::SendEarlyAgain() {
  const std::vector<uint8_t> sent = std::exchange(early_sent_, {});
  if (sent.empty() || SSL_get_early_data_status(ssl_.get()) == SSL_EARLY_DATA_ACCEPTED) return;
  const SSL_SESSION* offered = early_session_.get();
  if (offered != nullptr && AlpnOf(offered) != AlpnOf(ssl_.get())) {
    failure_ = std::make_unique<Failure>(Failure::Tls("SSL_do_handshake", kOtherProtocol));
    return;
  }
  // The socket keeps what finds no room: nothing of it is answered with a want.
  for (size_t at = 0; at < sent.size();) {
    size_t count = 0;
    const Status status = Run("SSL_write", [&] {
      return SSL_write_ex(ssl_.get(), sent.data() + at, sent.size() - at, &count);
    });
    if (status != Status::kDone) return;
    at += count;
  }
}

}  // namespace sluice
