// Sessions and tickets of a context. Rule: a session is resumed under the trust policy that it was
// made under, or not at all (P34).
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include "tls_context.h"
#include "tls_options.h"

namespace sluice {

/// Applies `tickets`, `sessionTimeoutSeconds`, `sessionCacheSize` and `sessionIdContext`; throws
/// with a code of the contract.
void UseResumption(Napi::Env env, TlsContextCore& core, const TlsContextOptions& options);

/// `NativeSessionStats` of the contract.
Napi::Object ClientSessionStats(Napi::Env env, const ClientSessions::Stats& stats);
Napi::Object ServerSessionStats(Napi::Env env, SSL_CTX* context);

/// Has up to `count` tickets of TLS 1.3 leave in front of the next write of `ssl`, a server's whose
/// handshake is complete. Nothing is sent here.
void SendTicketsWithNextWrite(SSL* ssl, int count, bool resumed);

}  // namespace sluice
