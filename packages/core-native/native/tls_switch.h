// Moves a session to another context in the middle of its ClientHello. Rule: afterwards it behaves
// as one that was made from that context (P36). SSL_set_SSL_CTX(3) alone takes over certificates
// and what OpenSSL looks up in the context at each use, and leaves the rest as it was.
#pragma once

#include <openssl/ssl.h>

#include "tls_context.h"

namespace sluice {

/// False when OpenSSL had no memory for it: the handshake must not go on.
bool SwitchContext(SSL* ssl, const TlsContextCore& from, const TlsContextCore& to) noexcept;

}  // namespace sluice
