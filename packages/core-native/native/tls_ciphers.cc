// See tls_ciphers.h.
#include "tls_ciphers.h"

#include <algorithm>
#include <string>

namespace sluice {

namespace {

// AES-128-GCM first in both lists: hardware does it, and its SHA-256 key schedule takes a good
// tenth off a handshake against SHA-384. Forward secrecy (ECDHE) only.
constexpr const char* kDefaultCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kDefaultCipherSuites =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
// A server chooses the suite first, and a key of the other hash is of no use with it.
constexpr const char* kSha384FirstCipherSuites =
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";

// The one AEAD suite with ECDHE and a PSK that OpenSSL has (RFC 7905); it has none with AES-GCM
// (RFC 8442).
constexpr const char* kPskCipher = "ECDHE-PSK-CHACHA20-POLY1305";
// Whatever else a list selects: without forward secrecy, or in a finite field.
constexpr const char* kNoOtherPsk = ":!kPSK:!kRSAPSK:!kDHEPSK";

// Most wanted first; a client sends a key share for each one with a star, a server does not trade a
// tuple (between slashes) for a later one to save a round trip (SSL_CTX_set1_groups_list(3)). The
// hybrid with ML-KEM-768 keeps what is recorded today from tomorrow's quantum computers. No
// finite-field groups (ffdhe). P-521 is last and for TLS 1.2, where the list also says which
// certificates a client takes (RFC 8422 section 5.1).
#if OPENSSL_VERSION_NUMBER >= 0x30500000L
constexpr const char* kDefaultGroups = "?*X25519MLKEM768 / ?*X25519:?P-256 / ?P-384:?P-521";
#else
constexpr const char* kDefaultGroups = "X25519:P-256:P-384:P-521";
#endif

void UseVersions(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  if (SSL_CTX_set_min_proto_version(context, options.min_version) == 1 &&
      SSL_CTX_set_max_proto_version(context, options.max_version) == 1) {
    return;
  }
  ThrowTlsOption(env, "ERR_TLS_OPTION", "The protocol versions were refused");
}

/// A list with one good name passes whatever else is in it; one name at a time does not.
void CheckSuiteNames(Napi::Env env, SSL_CTX* context, const std::string& suites) {
  size_t start = 0;
  while (start <= suites.size()) {
    const size_t end = std::min(suites.find(':', start), suites.size());
    const std::string name = suites.substr(start, end - start);
    if (name.empty() || SSL_CTX_set_ciphersuites(context, name.c_str()) != 1) {
      ThrowTlsOption(env, "ERR_TLS_CIPHERS",
                     "\"cipherSuites\" names no TLS 1.3 suite: \"" + name + "\"");
    }
    start = end + 1;
  }
}

std::string CiphersOf(const TlsContextOptions& options) {
  if (!options.psk) return options.ciphers.value_or(kDefaultCiphers);
  if (options.ciphers) return *options.ciphers + kNoOtherPsk;
  if (!options.UsesPskInTls12()) return kDefaultCiphers;
  // A client that takes nothing else offers nothing else.
  if (options.psk->is_required) return kPskCipher;
  return std::string(kPskCipher) + ":" + kDefaultCiphers;
}

void UseCiphers(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  const std::string ciphers = CiphersOf(options);
  if (SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_CIPHERS",
                   "\"ciphers\" selects no TLS 1.2 cipher: \"" + ciphers + "\"");
  }
  const bool sha384_first = options.psk && options.psk->is_sha384;
  const std::string suites = options.cipher_suites.value_or(sha384_first ? kSha384FirstCipherSuites
                                                                         : kDefaultCipherSuites);
  CheckSuiteNames(env, context, suites);
  if (SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_CIPHERS", "\"cipherSuites\" was refused: \"" + suites + "\"");
  }
}

void UseGroups(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  const std::string groups = options.groups.value_or(DefaultGroups(options.security_level));
  if (SSL_CTX_set1_groups_list(context, groups.c_str()) == 1) return;
  ThrowTlsOption(env, "ERR_TLS_GROUPS", "\"groups\" was refused: \"" + groups + "\"");
}

}  // namespace

const char* DefaultGroups(int security_level) {
  // At level 5 nothing else is strong enough, and a client whose key shares are all too weak falls
  // back to no other.
  return security_level == 5 ? "P-521" : kDefaultGroups;
}

void UseAlgorithms(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  // Before certificates are loaded, which it judges too (SSL_CTX_set_security_level(3)).
  SSL_CTX_set_security_level(context, options.security_level);
  UseVersions(env, context, options);
  UseCiphers(env, context, options);
  UseGroups(env, context, options);
}

}  // namespace sluice
