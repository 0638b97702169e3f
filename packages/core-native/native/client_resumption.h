// How one client session offers an earlier one, and leaves its own for the next. Rule: a session is
// offered only to whom it was made with, under the policy that it was made under (P34, P39).
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <string>

#include "client_sessions.h"
#include "tls_context.h"

namespace sluice {

class ClientResumption {
 public:
  /// `sessions` may be null: nothing is kept then. Both must outlive this object.
  ClientResumption(SSL* ssl, ClientSessions* sessions) : ssl_(ssl), sessions_(sessions) {}
  ClientResumption(const ClientResumption&) = delete;
  ClientResumption& operator=(const ClientResumption&) = delete;

  /// `sessionKey` and `session` of the options; after the name to verify was set. Throws what the
  /// contract says.
  void Configure(const Napi::Object& options, const TlsContextCore& core);
  /// The handshake is complete.
  void OnHandshaken();

 private:
  friend void KeepClientSessions(SSL_CTX* context);
  static int OnNewSession(SSL* ssl, SSL_SESSION* session) noexcept;

  SSL* const ssl_;
  ClientSessions* const sessions_;
  std::string key_;
};

/// Has sessions of the context tell those that they get to their ClientResumption.
void KeepClientSessions(SSL_CTX* context);

/// The client's session as it could be resumed now, DER (i2d_SSL_SESSION(3)); undefined when there
/// is none, and for a server.
Napi::Value ExportSession(Napi::Env env, const SSL* ssl);

}  // namespace sluice
