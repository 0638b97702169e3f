// See client_resumption.h.
#include "client_resumption.h"

#include <openssl/x509v3.h>

#include <cstring>
#include <optional>
#include <utility>

#include "tls_psk.h"

namespace sluice {

namespace {

int ResumptionIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

SslSessionPtr ParseSession(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Napi::TypeError error = Napi::TypeError::New(value.Env(), "\"session\" must be a Uint8Array");
    error.Set("code", "ERR_INVALID_ARG_TYPE");
    throw error;
  }
  const auto bytes = value.As<Napi::Uint8Array>();
  const unsigned char* from = bytes.Data();
  SslSessionPtr session(d2i_SSL_SESSION(nullptr, &from, static_cast<long>(bytes.ByteLength())));
  if (!session) {
    ThrowTlsOption(value.Env(), "ERR_TLS_OPTION",
                   "\"session\" is no session that was exported before");
  }
  return session;
}

/// With a session context of another policy OpenSSL would break off the handshake.
bool IsOfContext(const SSL_SESSION* session, const TlsContextCore& core) {
  unsigned int length = 0;
  const unsigned char* id = SSL_SESSION_get0_id_context(session, &length);
  return length == core.session_id_context.size() &&
         std::memcmp(id, core.session_id_context.data(), length) == 0;
}

/// A resumption presents no certificate: that of the session has to carry the name.
bool IsOfExpectedPeer(SSL* ssl, SSL_SESSION* session) {
  if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return true;
  // With a key there is no certificate; that it is the key of this context was looked at before.
  if (IsMadeWithPsk(session)) return true;
  X509* peer = SSL_SESSION_get0_peer(session);
  if (peer == nullptr) return false;
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  const char* host = X509_VERIFY_PARAM_get0_host(expected, 0);
  const unsigned int flags = X509_VERIFY_PARAM_get_hostflags(expected);
  if (host != nullptr && X509_check_host(peer, host, 0, flags, nullptr) != 1) return false;
  const OpensslTextPtr address(X509_VERIFY_PARAM_get1_ip_asc(expected));
  return !address || X509_check_ip_asc(peer, address.get(), 0) == 1;
}

}  // namespace

void ClientResumption::Configure(const Napi::Object& options, const TlsContextCore& core) {
  SslSessionPtr session;
  const Napi::Value given = options.Get("session");
  if (!given.IsUndefined()) session = ParseSession(given);
  if (session && !(IsOfContext(session.get(), core) && IsOfExpectedPeer(ssl_, session.get())))
    session.reset();
  const std::optional<std::string> key = ReadText(options, "sessionKey");
  if (key && sessions_ != nullptr) {
    key_ = *key;
    SSL_set_ex_data(ssl_, ResumptionIndex(), this);
    if (given.IsUndefined()) session = sessions_->Take(key_);
  }
  if (session) SSL_set_session(ssl_, session.get());
}

// A ticket of TLS 1.2 that the server replaced in a resumption comes without the callback.
void ClientResumption::OnHandshaken() {
  if (key_.empty() || SSL_version(ssl_) >= TLS1_3_VERSION || SSL_session_reused(ssl_) != 1) return;
  SslSessionPtr session(SSL_get1_session(ssl_));
  if (session) sessions_->Put(key_, std::move(session));
}

/// 1 takes over the session (SSL_CTX_sess_set_new_cb(3)).
int ClientResumption::OnNewSession(SSL* ssl, SSL_SESSION* session) noexcept {
  auto* self = static_cast<ClientResumption*>(SSL_get_ex_data(ssl, ResumptionIndex()));
  if (self == nullptr) return 0;
  self->sessions_->Put(self->key_, SslSessionPtr(session));
  return 1;
}

void KeepClientSessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, ClientResumption::OnNewSession);
}

Napi::Value ExportSession(Napi::Env env, const SSL* ssl) {
  SSL_SESSION* session = SSL_get0_session(ssl);
  if (SSL_is_server(ssl) == 1 || session == nullptr || SSL_SESSION_is_resumable(session) != 1)
    return env.Undefined();
  const int length = i2d_SSL_SESSION(session, nullptr);
  if (length <= 0) return env.Undefined();
  auto buffer = Napi::Buffer<unsigned char>::New(env, static_cast<size_t>(length));
  unsigned char* to = buffer.Data();
  i2d_SSL_SESSION(session, &to);
  return buffer;
}

}  // namespace sluice
