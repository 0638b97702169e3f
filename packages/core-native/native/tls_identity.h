// A context's own certificate, its issuers and its key. Rule: what does not fit together is an
// error at load, never at the first handshake (P37).
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include "tls_options.h"

namespace sluice {

/// Loads `certificateChain` and `privateKey`; throws with a code of the contract. A client may have
/// neither.
void UseIdentity(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options);

}  // namespace sluice
