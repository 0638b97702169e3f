// OCSP staples (RFC 6066 section 8): what a server hands out with its certificate, and what a
// client gets. Rule: a staple is checked to be about the certificate it is given for; whether to
// believe one that was received is not decided here.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <vector>

#include "tls_identity.h"

namespace sluice {

/// Throws `ERR_TLS_OCSP_STAPLE` unless the staple of `options`, where there is one, is a successful
/// response about `leaf`.
void CheckStaple(Napi::Env env, const IdentityOptions& options, X509* leaf);

/// Makes sessions of `context` hand out the staple of the identity that they use to clients which
/// ask for it; `identities` must outlive them.
void ServeStaples(SSL_CTX* context, const std::vector<LoadedIdentity>* identities);

/// Makes sessions of `context` (clients) ask for one.
void RequestStaple(SSL_CTX* context);

/// The DER of the staple that the server sent, as a Buffer, or undefined.
Napi::Value ReceivedStaple(Napi::Env env, SSL* ssl);

}  // namespace sluice
