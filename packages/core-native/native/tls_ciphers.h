// Versions, ciphers, groups and security level of a context. Rule: a name that OpenSSL would skip
// in silence is an error here.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include "tls_options.h"

namespace sluice {

/// The groups of a context that was given none, in OpenSSL's syntax.
const char* DefaultGroups(int security_level);

/// Applies `securityLevel`, `minVersion`, `maxVersion`, `ciphers`, `cipherSuites` and `groups`;
/// throws with a code of the contract.
void UseAlgorithms(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options);

}  // namespace sluice
