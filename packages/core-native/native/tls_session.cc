// See tls_session.h.
#include "tls_session.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <utility>

#include "tls_outcome.h"
#include "tls_peer.h"
#include "tls_resumption.h"

namespace sluice {

namespace {

// What the collector is told a session weighs: OpenSSL 3.5 holds 27 KiB for an idle one with
// released buffers.
constexpr int64_t kSessionBytes = 27 * 1024;

// KeyUpdates, tickets, warnings and refused renegotiations in a row, none of them data. OpenSSL
// sets no limit, and handles them inside one SSL_read for as long as they keep coming: a peer that
// sends nothing else would hold the whole thread (P23, P7). Twice what our own server sends in
// tickets.
constexpr int kMaxBarrenRecords = 32;

bool IsNumericAddress(const std::string& name) {
  unsigned char parsed[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), parsed) == 1 ||
         inet_pton(AF_INET6, name.c_str(), parsed) == 1;
}

/// RFC 9525: names are DNS-IDs of the subjectAltName, the common name never counts, and a wildcard
/// is a whole label.
bool ExpectName(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (IsNumericAddress(name)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(
      parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  // Certificates carry no trailing dot (RFC 5280 section 4.2.1.6).
  const size_t length = name.back() == '.' ? name.size() - 1 : name.size();
  // With a length of 0 the function would clear the expectation instead of refusing it.
  return length > 0 && X509_VERIFY_PARAM_set1_host(parameters, name.data(), length) == 1;
}

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
       CallProperty("exportSession", MethodCallback<TlsSession, &TlsSession::ExportSession>,
                    environment),
       CallProperty("updateKeys", MethodCallback<TlsSession, &TlsSession::UpdateKeys>, environment),
       CallProperty("keyUpdates", MethodCallback<TlsSession, &TlsSession::KeyUpdateCounts>,
                    environment),
       CallProperty("exportKeyingMaterial",
                    MethodCallback<TlsSession, &TlsSession::ExportKeyingMaterial>, environment),
       CallProperty("takeKeyLog", MethodCallback<TlsSession, &TlsSession::TakeKeyLog>, environment),
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
  tickets_due_ = core_->tickets;
  ERR_clear_error();
  ssl_.reset(SSL_new(core_->context.get()));
  BIO* bio = socket_.emplace(static_cast<int>(fd)).MakeBio();
  if (!ssl_ || bio == nullptr) {
    BIO_free(bio);
    ThrowTlsOption(env, "ERR_TLS_OPTION", "OpenSSL made no session");
  }
  SSL_set_bio(ssl_.get(), bio, bio);
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

void TlsSession::Configure(Napi::Env env, const Napi::Value& options) {
  if (options.IsUndefined()) return;
  if (!options.IsObject()) throw Napi::TypeError::New(env, "\"options\" must be an object");
  const auto object = options.As<Napi::Object>();
  const std::optional<std::string> servername = ReadText(object, "servername");
  const std::optional<std::string> verify_name = ReadText(object, "verifyName");
  if (servername) {
    // Literal addresses are not permitted in SNI (RFC 6066 section 3), and some servers refuse
    // them.
    if (IsNumericAddress(*servername) || servername->find('\0') != std::string::npos ||
        servername->empty() || SSL_set_tlsext_host_name(ssl_.get(), servername->c_str()) != 1) {
      ThrowTlsOption(env, "ERR_TLS_OPTION",
                     "\"servername\" must be a DNS name of 1 to 255 bytes; an address goes into "
                     "\"verifyName\" only");
    }
  }
  if (verify_name && (verify_name->empty() || !ExpectName(ssl_.get(), *verify_name))) {
    ThrowTlsOption(env, "ERR_TLS_OPTION",
                   "\"verifyName\" must be a DNS name or a numeric IP address");
  }
  if (core_->server) return;
  resumption_.emplace(ssl_.get(), core_->client_sessions.get());
  resumption_->Configure(object, *core_);
}

napi_value TlsSession::Handshake(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const Entry entry(*this);
  const Status status = Continue();
  if (status == Status::kDone && !std::exchange(handshaken_, true) && resumption_)
    resumption_->OnHandshaken();
  return Integer(arguments.env(), Answer(status));
}

Status TlsSession::Continue() {
  return Run("SSL_do_handshake", [&] { return SSL_do_handshake(ssl_.get()); });
}

napi_value TlsSession::Read(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const ByteRange range = arguments.Bytes(0);
  const Entry entry(*this);
  return Integer(arguments.env(), ReadRecords(range));
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
      if (socket_->dry() && SSL_has_pending(ssl_.get()) == 0) return static_cast<int32_t>(total);
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

napi_value TlsSession::Write(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  const ByteRange range = arguments.Bytes(0);
  if (range.length < blocked_write_) {
    throw Napi::RangeError::New(arguments.env(),
                                "A blocked write of " + std::to_string(blocked_write_) +
                                    " bytes must be retried with the same bytes, at least as many");
  }
  const Entry entry(*this);
  if (tickets_due_ > 0 && IsHandshaken())
    SendTicketsWithNextWrite(ssl_.get(), std::exchange(tickets_due_, 0));
  size_t count = 0;
  // One record a call: OpenSSL accepts no more with partial writes, and a second one here could
  // block after the first was accepted, which a single answer cannot tell.
  const Status status =
      Run("SSL_write", [&] { return SSL_write_ex(ssl_.get(), range.data, range.length, &count); });
  const bool blocked = status == Status::kWantsRead || status == Status::kWantsWrite;
  blocked_write_ = blocked ? range.length : 0;
  if (status == Status::kDone && key_update_due_ != SSL_KEY_UPDATE_NONE)
    SendKeyUpdate(std::exchange(key_update_due_, SSL_KEY_UPDATE_NONE));
  return Integer(arguments.env(),
                 status == Status::kDone ? static_cast<int32_t>(count) : Answer(status));
}

napi_value TlsSession::Shutdown(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (blocked_write_ != 0) {
    throw Napi::Error::New(arguments.env(),
                           "close_notify cannot overtake a blocked write: finish that write first");
  }
  if (failure_) return Integer(arguments.env(), Answer(Status::kFailed));
  // SSL_shutdown during a handshake is an error that would spoil the session (SSL_shutdown(3)).
  if (close_notify_sent_ || !IsHandshaken()) return Integer(arguments.env(), ToInt(Status::kDone));
  const Entry entry(*this);
  // What OpenSSL has begun to send by itself, the answer to a KeyUpdate for instance, comes first.
  if (!SSL_is_init_finished(ssl_.get())) {
    const Status status = Continue();
    if (status != Status::kDone) return Integer(arguments.env(), Answer(status));
  }
  // Both 0 (sent) and 1 (the peer's has come too) say that ours has left. A second call would begin
  // to read, which is for read() to do (P30).
  const Status status = Run("SSL_shutdown", [&] { return SSL_shutdown(ssl_.get()) >= 0 ? 1 : -1; });
  close_notify_sent_ = status == Status::kDone;
  return Integer(arguments.env(), Answer(status));
}

napi_value TlsSession::Info(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (!IsHandshaken()) {
    throw Napi::Error::New(arguments.env(),
                           "The handshake is not complete: there is nothing settled to tell");
  }
  return TlsInfo(arguments.env(), ssl_.get());
}

napi_value TlsSession::PeerCertificates(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return TlsPeerCertificates(arguments.env(), ssl_.get());
}

napi_value TlsSession::VerifyResult(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return TlsVerifyResult(arguments.env(), ssl_.get());
}

napi_value TlsSession::Close(const Arguments& arguments) {
  if (entered_ > 0) {
    close_asked_ = true;
  } else {
    Free();
  }
  return Undefined(arguments.env());
}

template <typename Call>
Status TlsSession::Run(const char* name, Call call) {
  if (failure_) return Status::kFailed;
  Status status;
  do {
    status = RunTls(ssl_.get(), name, failure_, call);
    // A want of more must come from a socket that said EAGAIN: an end that was there already brings
    // no edge any more, and half a record before it is a short read too.
  } while (status == Status::kWantsRead && socket_->AskAgain());
  if (abuse_ == nullptr || failure_) return status;
  failure_ = std::make_unique<Failure>(Failure::Tls(name, abuse_));
  return Status::kFailed;
}

/// Called for each record's header, both ways, and for each message (SSL_set_msg_callback(3)).
void TlsSession::OnMessage(int written, int /*version*/, int content_type, const void* bytes,
                           size_t length, SSL* ssl, void* data) {
  auto& session = *static_cast<TlsSession*>(data);
  const auto* type = static_cast<const unsigned char*>(bytes);
  if (content_type == SSL3_RT_HANDSHAKE && length > 0 && *type == SSL3_MT_KEY_UPDATE) {
    if (written != 0) return session.key_updates_.OnSent();
    if (!session.key_updates_.OnReceived()) session.Abort("the peer updates its keys too often");
  }
  if (written != 0 || content_type != SSL3_RT_HEADER || !SSL_is_init_finished(ssl)) return;
  if (++session.barren_records_ > kMaxBarrenRecords)
    session.Abort("the peer sent too many records in a row without application data");
}

void TlsSession::Abort(const char* reason) {
  abuse_ = reason;
  // Makes the SSL_read that is under way return instead of going on to the next record.
  SSL_set_shutdown(ssl_.get(), SSL_get_shutdown(ssl_.get()) | SSL_RECEIVED_SHUTDOWN);
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
  // A session goes with a connection that broke (RFC 8446 section 6.2). OpenSSL would drop it also
  // for want of a close_notify, which many a peer leaves out (SSL_set_shutdown(3)).
  if (!failure_ || failure_->kind != Failure::Kind::kTls)
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl_.reset();
  core_.reset();
  failure_.reset();
  if (!live_) return;
  live_.reset();
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -kSessionBytes);
}

}  // namespace sluice
