// Sessions and tickets of a context. Rule: a session is resumed under the trust policy that it was
// made under, or not at all (P34).
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include "tls_options.h"

namespace sluice {

/// Applies `tickets` and `sessionIdContext`; throws with a code of the contract.
void UseResumption(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options);

}  // namespace sluice
