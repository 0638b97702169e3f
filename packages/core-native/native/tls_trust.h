// Whom a context trusts, and whether its peers have to present a certificate. Rule: a context that
// verifies has anchors; one that would refuse everybody is an error at load.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include "tls_options.h"

namespace sluice {

/// Applies `trustAnchors`, `crls`, `verifyPeer` and `requestCertificate`; throws with a code of the
/// contract.
void UseTrust(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options);

}  // namespace sluice
