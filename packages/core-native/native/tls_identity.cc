// See tls_identity.h.
#include "tls_identity.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include <algorithm>
#include <utility>

#include "pem.h"
#include "pkcs12.h"
#include "tls_ocsp.h"

namespace sluice {

namespace {

struct ChainAndKey {
  std::vector<X509Ptr> chain;
  PkeyPtr key;
};

std::vector<X509Ptr> ReadChain(Napi::Env env, const IdentityOptions& options) {
  std::vector<X509Ptr> chain;
  if (ReadCertificates(*options.certificate_chain, chain)) return chain;
  ThrowTlsOption(
      env, "ERR_TLS_CERTIFICATE",
      options.Quoted("certificateChain") + " is not PEM text with certificates, the leaf first");
}

/// What to say of `locked`, an option that is encrypted.
[[noreturn]] void ThrowLocked(Napi::Env env, const IdentityOptions& options, const char* locked) {
  const std::string passphrase = options.Quoted("passphrase");
  ThrowTlsOption(env, "ERR_TLS_PASSPHRASE",
                 options.passphrase ? passphrase + " does not decrypt " + options.Quoted(locked)
                                    : options.Quoted(locked) + " is encrypted and no " +
                                          passphrase + " was given");
}

const SecretText* PassphraseOf(const IdentityOptions& options) {
  return options.passphrase ? &*options.passphrase : nullptr;
}

PkeyPtr ReadKey(Napi::Env env, const IdentityOptions& options) {
  KeyResult result = ReadPrivateKey(*options.private_key, PassphraseOf(options));
  if (result.key) return std::move(result.key);
  if (result.encrypted) ThrowLocked(env, options, "privateKey");
  ThrowTlsOption(env, "ERR_TLS_KEY",
                 options.Quoted("privateKey") + " is not PEM text with a private key");
}

ChainAndKey FromPem(Napi::Env env, const IdentityOptions& options) {
  if (!options.certificate_chain) {
    ThrowTlsOption(env, "ERR_TLS_CERTIFICATE",
                   options.Quoted("privateKey") + " is of no use without " +
                       options.Quoted("certificateChain"));
  }
  if (!options.private_key) {
    ThrowTlsOption(env, "ERR_TLS_KEY",
                   options.Quoted("certificateChain") + " is of no use without " +
                       options.Quoted("privateKey"));
  }
  return {ReadChain(env, options), ReadKey(env, options)};
}

ChainAndKey FromPkcs12(Napi::Env env, const IdentityOptions& options) {
  const std::string name = options.Quoted("pkcs12");
  if (options.certificate_chain || options.private_key) {
    ThrowTlsOption(env, "ERR_TLS_PKCS12",
                   name + " brings certificate and key: give it, or " +
                       options.Quoted("certificateChain") + " and " + options.Quoted("privateKey"));
  }
  Pkcs12Result result = ReadPkcs12(*options.pkcs12, PassphraseOf(options));
  switch (result.outcome) {
    case Pkcs12Result::Outcome::kRead:
      return {std::move(result.chain), std::move(result.key)};
    case Pkcs12Result::Outcome::kMalformed:
      ThrowTlsOption(env, "ERR_TLS_PKCS12", name + " is not a PKCS #12 file in DER");
    case Pkcs12Result::Outcome::kLocked:
      ThrowLocked(env, options, "pkcs12");
    case Pkcs12Result::Outcome::kUnreadable:
      ThrowTlsOption(env, "ERR_TLS_PKCS12", name + " cannot be decrypted");
    case Pkcs12Result::Outcome::kNoKey:
      ThrowTlsOption(env, "ERR_TLS_PKCS12", name + " holds no private key");
    case Pkcs12Result::Outcome::kNoCertificate:
      break;
  }
  ThrowTlsOption(env, "ERR_TLS_PKCS12", name + " holds no certificate for its key");
}

/// The option that a certificate of `options` came from, quoted.
std::string SourceOf(const IdentityOptions& options) {
  return options.Quoted(options.pkcs12 ? "pkcs12" : "certificateChain");
}

/// A certificate that was refused, as OpenSSL's queue tells why.
[[noreturn]] void ThrowRefused(Napi::Env env, const std::string& which) {
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const bool is_weak = reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
                       reason == SSL_R_CA_MD_TOO_WEAK;
  ThrowTlsOption(env, is_weak ? "ERR_TLS_WEAK_CERTIFICATE" : "ERR_TLS_CERTIFICATE",
                 which + (is_weak ? " is too weak for \"securityLevel\"" : " was refused"));
}

void UseChain(Napi::Env env, SSL_CTX* context, const IdentityOptions& options,
              const std::vector<X509Ptr>& chain) {
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    ThrowRefused(env, "The first certificate of " + SourceOf(options));
  }
  for (size_t index = 1; index < chain.size(); ++index) {
    // To the certificate that was used last (SSL_CTX_add1_chain_cert(3)).
    if (SSL_CTX_add1_chain_cert(context, chain[index].get()) == 1) continue;
    ThrowRefused(env, "Certificate " + std::to_string(index + 1) + " of " + SourceOf(options));
  }
}

LoadedIdentity UseIdentity(Napi::Env env, SSL_CTX* context, const IdentityOptions& options) {
  ChainAndKey parts = options.pkcs12 ? FromPkcs12(env, options) : FromPem(env, options);
  if (X509_check_private_key(parts.chain.front().get(), parts.key.get()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_KEY_MISMATCH",
                   options.Quoted("privateKey") + " does not belong to the first certificate of " +
                       options.Quoted("certificateChain"));
  }
  UseChain(env, context, options, parts.chain);
  if (SSL_CTX_use_PrivateKey(context, parts.key.get()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_KEY",
                   options.Quoted(options.pkcs12 ? "pkcs12" : "privateKey") + " was refused");
  }
  CheckStaple(env, options, parts.chain.front().get());
  const char* type = EVP_PKEY_get0_type_name(parts.key.get());
  return {type == nullptr ? "" : type, std::move(parts.chain), options.ocsp_staple.value_or("")};
}

}  // namespace

std::vector<LoadedIdentity> UseIdentities(Napi::Env env, SSL_CTX* context,
                                          const TlsContextOptions& options) {
  if (options.identities.empty() && options.server && !options.psk) {
    ThrowTlsOption(env, "ERR_TLS_CERTIFICATE",
                   "A server needs \"certificateChain\" and \"privateKey\"");
  }
  std::vector<LoadedIdentity> loaded;
  for (const IdentityOptions& identity : options.identities) {
    LoadedIdentity next = UseIdentity(env, context, identity);
    const auto same = [&](const LoadedIdentity& other) { return other.key_type == next.key_type; };
    // The second would silently take the place of the first, which nobody could reach any more.
    if (std::any_of(loaded.begin(), loaded.end(), same)) {
      ThrowTlsOption(env, "ERR_TLS_IDENTITIES",
                     "Two identities have a key of the same kind, " + next.key_type);
    }
    loaded.push_back(std::move(next));
  }
  return loaded;
}

}  // namespace sluice
