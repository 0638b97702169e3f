// `NativeTlsContextOptions` read out of JavaScript, all at once. Rule: after this no JavaScript
// runs any more while a context is built (a getter could otherwise change or throw halfway), and a
// wrong type is a TypeError naming the option.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <optional>
#include <string>
#include <vector>

#include "pem.h"

namespace sluice {

/// One certificate with its issuers and its key: PEM, or PKCS #12.
struct IdentityOptions {
  /// Where its options stand, for messages: empty, or `identities[1].`.
  std::string path;
  std::optional<std::string> certificate_chain;
  std::optional<SecretText> private_key;
  std::optional<SecretText> passphrase;
  std::optional<SecretText> pkcs12;
  std::optional<std::string> ocsp_staple;

  /// The option `name` of this identity, quoted.
  std::string Quoted(const char* name) const { return "\"" + path + name + "\""; }
};

/// A pre-shared key and the name that the peer knows it by, in UTF-8 (RFC 4279 section 5.1).
struct PskEntry {
  std::string identity;
  SecretText key;
};

struct PskOptions {
  std::vector<PskEntry> entries;
  /// The hash that goes with the keys in TLS 1.3: SHA-384 instead of SHA-256.
  bool is_sha384 = false;
  bool is_required = false;
};

/// What the kernel seals and opens where it can.
enum class KernelTls { kOff, kSend, kBoth };

struct TlsContextOptions {
  bool server = false;
  bool chooser = false;
  std::vector<IdentityOptions> identities;
  std::vector<std::string> trust_anchors;
  std::vector<std::string> crls;
  /// Whether every certificate of a chain is looked up in `crls`, not the leaf alone.
  bool crl_check_chain = false;
  bool verify_peer = false;
  bool shared_buffers = true;
  KernelTls kernel_tls = KernelTls::kOff;
  bool request_certificate = false;
  bool request_ocsp = false;
  int security_level = 2;
  int min_version;
  int max_version;
  std::optional<std::string> ciphers;
  std::optional<std::string> cipher_suites;
  std::optional<std::string> groups;
  std::vector<std::string> alpn;
  std::optional<std::string> session_id_context;
  int tickets = 1;
  int session_timeout_seconds = 7200;
  int session_cache_size = 0;
  int max_early_data = 0;
  bool key_log = false;
  std::optional<PskOptions> psk;
  int renegotiations = 0;
  int renegotiation_window_ms = 600'000;

  /// In TLS 1.2 there is one suite for it, of SHA-256.
  bool UsesPskInTls12() const { return psk && !psk->is_sha384 && min_version <= TLS1_2_VERSION; }

  static TlsContextOptions Read(const Napi::Value& value);
};

/// `Napi::Error` with `code`, and with OpenSSL's `reason` and `opensslStack` taken from this
/// thread's queue.
[[noreturn]] void ThrowTlsOption(Napi::Env env, const char* code, const std::string& message);

/// Property `name` of `options` when it is there; throws a TypeError unless it is a string.
std::optional<std::string> ReadText(const Napi::Object& options, const char* name);

}  // namespace sluice
