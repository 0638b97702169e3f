// External pre-shared keys (RFC 8446 section 4.2.11; in TLS 1.2 ECDHE_PSK, RFC 4279 and 7905).
// Rule: always with an ephemeral key exchange, so that who learns a key reads nothing of the past;
// and a ticket, which is a PSK to OpenSSL too, is never taken for one of these.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pem.h"
#include "tls_options.h"

namespace sluice {

struct TlsContextCore;

/// The keys of a context by their identities: all that a server knows, or the one of a client.
class PskKeys {
 public:
  explicit PskKeys(const PskOptions& options);

  /// Null for an identity that is not known.
  const SecretText* Find(std::string_view identity) const noexcept;
  /// Of a client.
  const std::string& identity() const { return keys_.begin()->first; }
  bool is_sha384() const { return is_sha384_; }
  /// Of a client: whether a server that does not take the key is refused.
  bool is_required() const { return is_required_; }

 private:
  std::map<std::string, SecretText, std::less<>> keys_;
  const bool is_sha384_;
  const bool is_required_;
};

/// Applies `psk`, after the algorithms; throws with a code of the contract.
void UsePsk(Napi::Env env, TlsContextCore& core, const TlsContextOptions& options);

/// Has a server's session go by the keys of `to`.
void TakePsk(SSL* ssl, const TlsContextCore& to);

/// Whose key the handshake was made with, or the one that the resumed session began with.
std::optional<std::string> PskIdentityOf(const SSL* ssl);

/// Whether a session that is kept was made with a key of this kind. TLS 1.3 only.
bool IsMadeWithPsk(const SSL_SESSION* session);

/// Once the handshake is complete, before there are tickets: whether it was made with a key of this
/// kind, and no session was resumed. What comes of the session is a resumption.
bool SettlePsk(SSL* ssl);

}  // namespace sluice
