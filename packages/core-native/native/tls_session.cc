// See tls_session.h.
#include "tls_session.h"

#include <cerrno>
#include <utility>

#include "tls_outcome.h"

namespace sluice {

namespace {

// What the collector is told a session weighs: with released buffers and without what its handshake
// has left an idle one is 8 KiB of OpenSSL's, and there is what stands around it.
constexpr int64_t kSessionBytes = 9 * 1024;

// KeyUpdates, tickets, warnings, renegotiations in a row, none of them data. OpenSSL
// sets no limit, and handles them inside one SSL_read for as long as they keep coming: a peer that
// sends nothing else would hold the whole thread (P23, P7). Twice what our own server sends in
// tickets.
constexpr int kMaxBarrenRecords = 32;

// OpenSSL says "no suitable record layer".
constexpr const char* kNoNewKeys = "the kernel takes no new keys for a connection that it seals";

}  // namespace

Napi::Function TlsSession::Define(Napi::Env env, Environment& environment) {
  return DefineClass(
      env, "TlsSession",
      {CallProperty("handshake", MethodCallback<TlsSession, &TlsSession::Handshake>, environment),
       CallProperty("read", MethodCallback<TlsSession, &TlsSession::Read>, environment),
       CallProperty("write", MethodCallback<TlsSession, &TlsSession::Write>, environment),
       CallProperty("shutdown", MethodCallback<TlsSession, &TlsSession::Shutdown>, environment),
       CallProperty("info", MethodCallback<TlsSession, &TlsSession::Info>, environment),
       CallProperty("peerCertificates", MethodCallback<TlsSession, &TlsSession::PeerCertificates>,
                    environment),
       CallProperty("verifyResult", MethodCallback<TlsSession, &TlsSession::VerifyResult>,
                    environment),
       CallProperty("alerts", MethodCallback<TlsSession, &TlsSession::Alerts>, environment),
       CallProperty("resumed", MethodCallback<TlsSession, &TlsSession::Resumed>, environment),
       CallProperty("earlyData", MethodCallback<TlsSession, &TlsSession::EarlyDataOutcome>,
                    environment),
       CallProperty("outcome", MethodCallback<TlsSession, &TlsSession::Outcome>, environment),
       CallProperty("resumption", MethodCallback<TlsSession, &TlsSession::Resumption>, environment),
       CallProperty("clientHello", MethodCallback<TlsSession, &TlsSession::ClientHello>,
                    environment),
       CallProperty("chooseContext", MethodCallback<TlsSession, &TlsSession::ChooseContext>,
                    environment),
       CallProperty("refuseHello", MethodCallback<TlsSession, &TlsSession::RefuseHello>,
                    environment),
       CallProperty("exportSession", MethodCallback<TlsSession, &TlsSession::ExportSession>,
                    environment),
       CallProperty("updateKeys", MethodCallback<TlsSession, &TlsSession::UpdateKeys>, environment),
       CallProperty("keyUpdates", MethodCallback<TlsSession, &TlsSession::KeyUpdateCounts>,
                    environment),
       CallProperty("exportKeyingMaterial",
                    MethodCallback<TlsSession, &TlsSession::ExportKeyingMaterial>, environment),
       CallProperty("takeKeyLog", MethodCallback<TlsSession, &TlsSession::TakeKeyLog>, environment),
       CallProperty("renegotiations", MethodCallback<TlsSession, &TlsSession::Renegotiations>,
                    environment),
       CallProperty("readDue", MethodCallback<TlsSession, &TlsSession::ReadDue>, environment),
       CallProperty("kernelTls", MethodCallback<TlsSession, &TlsSession::KernelTlsStatus>,
                    environment),
       CallProperty("sendFile", MethodCallback<TlsSession, &TlsSession::SendFile>, environment),
       CallProperty("batchHandle", MethodCallback<TlsSession, &TlsSession::BatchHandle>,
                    environment),
       CallProperty("close", MethodCallback<TlsSession, &TlsSession::Close>, environment)},
      &environment);
}

TlsSession::TlsSession(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TlsSession>(info),
      environment_(static_cast<Environment*>(info.Data())->shared_from_this()) {
  const Napi::Env env = info.Env();
  const TlsContext* context = TlsContext::From(info[0]);
  if (context == nullptr)
    throw Napi::TypeError::New(env, "\"context\" must be a TlsContext of this thread");
  const double fd = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!(fd >= 0 && fd <= INT32_MAX) || fd != static_cast<int>(fd)) {
    throw Napi::TypeError::New(env, "\"fd\" must be a descriptor: an integer of 0 or more");
  }
  core_ = context->core();
  ERR_clear_error();
  ssl_.reset(SSL_new(core_->context.get()));
  socket_ = MakeSocket(static_cast<int>(fd));
  BIO* bio = socket_->MakeBio();
  if (!ssl_ || bio == nullptr) {
    BIO_free(bio);
    ThrowTlsOption(env, "ERR_TLS_OPTION", "OpenSSL made no session");
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  // Without it each record takes two reads: five bytes of header, then the body.
  SSL_set_read_ahead(ssl_.get(), socket_->wants_read_ahead() ? 1 : 0);
  if (core_->key_log) SetKeyLog(ssl_.get(), &key_log_);
  SSL_set_msg_callback(ssl_.get(), OnMessage);
  SSL_set_msg_callback_arg(ssl_.get(), this);
  Configure(env, info[2]);
  if (core_->server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
  Napi::MemoryManagement::AdjustExternalMemory(env, kSessionBytes);
  live_.emplace(environment_->live().tls_sessions);
}

TlsSession::~TlsSession() { Free(); }

napi_value TlsSession::Handshake(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const Entry entry(*this);
  trusts_short_reads_ = arguments[0].ToBoolean().Value();
  const int32_t answer = Step();
  trusts_short_reads_ = false;
  return Integer(arguments.env(), answer);
}

int32_t TlsSession::Step() {
  if (!handshake_begun_) {
    // OpenSSL's first step allocates buffers of 20 KiB: not for who may never say a word.
    if (core_->server && socket_->IsSilent()) return ToInt(Status::kWantsRead);
    handshake_begun_ = true;
  }
  const Status begun = BeginEarlyData();
  if (begun == Status::kEarly) return ToInt(begun);
  const Status status = begun != Status::kDone
                            ? begun
                            : Run("SSL_do_handshake", [&] { return SSL_do_handshake(ssl_.get()); });
  // The peer's answer can only come when our flight has left, and a failure leaves its alert. When
  // all is done a peer that is gone is no failure: a client that sends its request and goes away
  // does not wait for tickets (P33).
  const Status flushed =
      status == Status::kDone ? FlushToReader("SSL_do_handshake") : Flush("SSL_do_handshake");
  const Status settled = flushed == Status::kDone ? status : flushed;
  if (settled == Status::kDone && !std::exchange(handshaken_, true)) OnHandshaken();
  if (settled == Status::kFailed && !handshaken_) ExplainHandshake();
  return Answer(failure_ ? Status::kFailed : settled);
}

Status TlsSession::Continue() {
  const Status status = Run("SSL_do_handshake", [&] { return SSL_do_handshake(ssl_.get()); });
  const Status flushed = Flush("SSL_do_handshake");
  return flushed == Status::kDone ? status : flushed;
}

Status TlsSession::Peek() {
  unsigned char first = 0;
  size_t count = 0;
  return Run("SSL_read", [&] { return SSL_peek_ex(ssl_.get(), &first, sizeof(first), &count); });
}

napi_value TlsSession::Read(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return Integer(arguments.env(), ReadInto(arguments.Bytes(0)));
}

int32_t TlsSession::ReadInto(ByteRange range) {
  read_due_ = false;
  const Entry entry(*this, range.length);
  const int32_t read = early_ != Early::kNone ? ReadEarly(range) : ReadOwing(range);
  if (read > 0) environment_->traffic().opened += read & ~kReadMore;
  return read;
}

int32_t TlsSession::ReadOwing(ByteRange range) {
  Status owed = read_owes_ ? FlushToReader("SSL_read") : Status::kDone;
  if (owed == Status::kDone) owed = SendDueKeyUpdate();
  if (owed != Status::kDone) return Answer(owed);
  // What a write could not send is a later write's to send: reading goes on meanwhile (P16).
  const bool had_unsent = socket_->has_unsent();
  const int32_t read = ReadRecords(range);
  const Status flushed = had_unsent ? Status::kDone : FlushToReader("SSL_read");
  read_owes_ = flushed == Status::kWantsWrite;
  if (flushed == Status::kDone) return read;
  // The next read tells it.
  if (read >= 0) return read | kReadMore;
  return read == ToInt(Status::kWantsRead) ? Answer(flushed) : read;
}

int32_t TlsSession::ReadRecords(ByteRange range) {
  size_t total = 0;
  while (total < range.length) {
    size_t count = 0;
    const Status status = Run("SSL_read", [&] {
      return SSL_read_ex(ssl_.get(), range.data + total, range.length - total, &count);
    });
    total += count;
    if (count > 0) barren_records_ = 0;
    if (status == Status::kDone) {
      // Another SSL_read could only answer WANT_READ. Half a record would be pending too (P22).
      // But for a renegotiation that has waited for this moment.
      if (socket_->dry() && SSL_has_pending(ssl_.get()) == 0 &&
          !(renegotiation_ && SSL_renegotiate_pending(ssl_.get()) == 1)) {
        return static_cast<int32_t>(total);
      }
      continue;
    }
    if (total == 0) return Answer(status);
    // WANT_READ comes from a socket that ran dry, so the next bytes bring an edge. Anything else is
    // still to be told: SSL_read answers it again, and a failure is kept.
    return static_cast<int32_t>(total) | (status == Status::kWantsRead ? 0 : kReadMore);
  }
  // Full before dry. SSL_pending would see the current record only, and SSL_has_pending half a
  // record too (P22).
  return static_cast<int32_t>(total) | kReadMore;
}

napi_value TlsSession::Shutdown(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (IsWriteBlocked()) {
    throw Napi::Error::New(arguments.env(),
                           "close_notify cannot overtake a blocked write: finish that write first");
  }
  if (failure_) return Integer(arguments.env(), Answer(Status::kFailed));
  const Entry entry(*this);
  socket_->set_more_follows(arguments[0].ToBoolean().Value());
  Status status = Flush("SSL_shutdown");
  // It would cut off what the handshake has still to say; a read completes that.
  if (status == Status::kDone && early_ != Early::kNone) status = Status::kWantsRead;
  // SSL_shutdown during a handshake is an error that would spoil the session (SSL_shutdown(3)).
  if (status == Status::kDone && !close_notify_sent_ && IsHandshaken()) status = SendCloseNotify();
  // Nothing else waits behind it: OpenSSL has sent it, and the kernel may still have it.
  if (status == Status::kDone && kernel_ != nullptr && !kernel_->HasLeft())
    status = Status::kWantsWrite;
  socket_->set_more_follows(false);
  return Integer(arguments.env(), Answer(status));
}

Status TlsSession::SendCloseNotify() {
  // What OpenSSL has begun to send by itself, the answer to a KeyUpdate for instance, comes first.
  Status status = renegotiation_                     ? Renegotiate()
                  : SSL_is_init_finished(ssl_.get()) ? Status::kDone
                                                     : Continue();
  if (status != Status::kDone) return status;
  // Both 0 (sent) and 1 (the peer's has come too) say that ours has left. A second call would begin
  // to read, which is for read() to do (P30).
  status = Run("SSL_shutdown", [&] { return SSL_shutdown(ssl_.get()) >= 0 ? 1 : -1; });
  close_notify_sent_ = status == Status::kDone;
  return status == Status::kDone ? Flush("SSL_shutdown") : status;
}

napi_value TlsSession::BatchHandle(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (batch_handle_ == 0) batch_handle_ = environment_->batch_members().Add(*this);
  return Integer(arguments.env(), batch_handle_);
}

napi_value TlsSession::Close(const Arguments& arguments) {
  // The alert of a failure may have found the socket full (P29).
  if (ssl_ && failure_ && socket_->has_unsent()) socket_->Flush();
  if (ssl_ && failure_ && kernel_ != nullptr && kernel_->receives()) kernel_->DropInput();
  if (entered_ > 0) {
    close_asked_ = true;
  } else {
    Free();
  }
  return Undefined(arguments.env());
}

Status TlsSession::JudgeRun(Status status, const char* name) {
  if (abuse_ == nullptr && renegotiation_ && !renegotiation_->StaysSafe())
    abuse_ = "the peer renegotiated unsafely";
  if (status == Status::kFailed && kernel_ != nullptr && kernel_->refused_new_keys())
    failure_->Explain(kNoNewKeys);
  if (status == Status::kWantsRead && hides_end_ && socket_->ended()) {
    failure_ = std::make_unique<Failure>(Failure::Truncated(name));
    status = Status::kFailed;
  }
  // Whatever OpenSSL makes of it when it is stopped.
  if (abuse_ == nullptr) return status;
  failure_ = std::make_unique<Failure>(Failure::Tls(name, abuse_));
  return Status::kFailed;
}

Status TlsSession::Flush(const char* name) { return Judge(socket_->Flush(), name); }

Status TlsSession::FlushToReader(const char* name) {
  const Status status = socket_->Flush();
  const bool gone = status == Status::kFailed && (errno == EPIPE || errno == ECONNRESET);
  return Judge(gone ? Status::kDone : status, name);
}

Status TlsSession::Judge(Status flushed, const char* name) {
  // A failed session has nothing to wait for.
  if (failure_) return Status::kFailed;
  // Whatever a read has to wait for was in front of what follows: it shall not wait for that, too
  // (P16).
  if (flushed == Status::kDone) read_owes_ = false;
  if (flushed == Status::kFailed) {
    failure_ = std::make_unique<Failure>(Failure::System(errno, name));
  }
  return flushed;
}

/// Called for each record's header, both ways, and for each message (SSL_set_msg_callback(3)).
void TlsSession::OnMessage(int written, int /*version*/, int content_type, const void* bytes,
                           size_t length, SSL* ssl, void* session) {
  auto* self = static_cast<TlsSession*>(session);
  const auto* octets = static_cast<const uint8_t*>(bytes);
  // Of one that is sent this is called when it has left, and not when the socket had no room.
  if (content_type == SSL3_RT_ALERT && length == 2) self->NoteAlert(written != 0, octets[1]);
  if (content_type == SSL3_RT_HANDSHAKE && length > 0 && octets[0] == SSL3_MT_KEY_UPDATE)
    self->NoteKeyUpdate(written != 0);
  if (written != 0) return;
  if (content_type == SSL3_RT_HANDSHAKE) {
    if (self->hello_) self->hello_->Note(bytes, length);
    // OpenSSL passes over any number of them while it waits for something else.
    if (!self->handshaken_ && length > 0 && octets[0] == SSL3_MT_HELLO_REQUEST)
      self->NoteBarrenRecord();
    // Each has a handful of records to itself, and there are only so many.
    if (self->renegotiation_ && self->renegotiation_->Note(octets, length))
      self->barren_records_ = 0;
  }
  if (content_type != SSL3_RT_HEADER || !(self->handshaken_ || SSL_is_init_finished(ssl))) return;
  self->NoteBarrenRecord();
}

void TlsSession::NoteBarrenRecord() {
  if (++barren_records_ > kMaxBarrenRecords)
    Abort("the peer sent too many records in a row without application data");
}

void TlsSession::Abort(const char* reason) {
  abuse_ = reason;
  // Makes the SSL_read that is under way return instead of going on to the next record.
  SSL_set_shutdown(ssl_.get(), SSL_get_shutdown(ssl_.get()) | SSL_RECEIVED_SHUTDOWN);
}

void TlsSession::NoteAlert(bool sent, int description) {
  if (description != SSL_AD_CLOSE_NOTIFY) (sent ? alert_sent_ : alert_received_) = description;
}

int32_t TlsSession::Answer(Status status) {
  return status == Status::kFailed ? environment_->Fail(*failure_) : ToInt(status);
}

void TlsSession::ThrowIfClosed(napi_env env) const {
  if (ssl_ && !close_asked_) return;
  Napi::Error error = Napi::Error::New(env, "This TLS session is closed");
  error.Set("code", "ERR_CLOSED");
  throw error;
}

void TlsSession::Free() {
  if (!ssl_) return;
  if (batch_handle_ != 0) environment_->batch_members().Remove(batch_handle_);
  // A session goes with a connection that broke (RFC 8446 section 6.2). OpenSSL would drop it also
  // for want of a close_notify, which many a peer leaves out (SSL_set_shutdown(3)).
  if (!failure_ || failure_->kind != Failure::Kind::kTls)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  renegotiation_.reset();
  ssl_.reset();
  hello_.reset();
  core_.reset();
  failure_.reset();
  if (!live_) return;
  live_.reset();
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -kSessionBytes);
}

}  // namespace sluice
