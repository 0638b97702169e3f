// A context's own certificates, their issuers and their keys. Rule: what does not fit together is
// an error at load, never at the first handshake (P37).
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "openssl_ptr.h"
#include "tls_options.h"

namespace sluice {

/// What stays of an identity beside the SSL_CTX.
struct LoadedIdentity {
  /// `RSA`, `EC`, `ED25519`, …: a context holds one identity of each, and picks by what the peer
  /// can verify.
  std::string key_type;
  /// Leaf first, as it is sent.
  std::vector<X509Ptr> chain;
  /// DER of an OCSP response; empty when there is none.
  std::string ocsp_staple;
};

/// Loads `certificateChain` and `privateKey`, or `pkcs12`, and those of `identities`; throws with a
/// code of the contract. A client may have none.
std::vector<LoadedIdentity> UseIdentities(Napi::Env env, SSL_CTX* context,
                                          const TlsContextOptions& options);

}  // namespace sluice
