// See tls_identity.h.
#include "tls_identity.h"

#include <string>
#include <utility>
#include <vector>

#include "pem.h"

namespace sluice {

namespace {

std::vector<X509Ptr> ReadChain(Napi::Env env, const std::string& pem) {
  std::vector<X509Ptr> chain;
  if (ReadCertificates(pem, chain)) return chain;
  ThrowTlsOption(env, "ERR_TLS_CERTIFICATE",
                 "\"certificateChain\" is not PEM text with certificates, the leaf first");
}

PkeyPtr ReadKey(Napi::Env env, const TlsContextOptions& options) {
  const SecretText* passphrase = options.passphrase ? &*options.passphrase : nullptr;
  KeyResult result = ReadPrivateKey(*options.private_key, passphrase);
  if (result.key) return std::move(result.key);
  if (!result.encrypted) {
    ThrowTlsOption(env, "ERR_TLS_KEY", "\"privateKey\" is not PEM text with a private key");
  }
  ThrowTlsOption(env, "ERR_TLS_PASSPHRASE",
                 passphrase == nullptr
                     ? "\"privateKey\" is encrypted and no \"passphrase\" was given"
                     : "\"passphrase\" does not decrypt \"privateKey\"");
}

void UseChain(Napi::Env env, SSL_CTX* context, const std::vector<X509Ptr>& chain) {
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_CERTIFICATE",
                   "The first certificate of \"certificateChain\" was refused");
  }
  for (size_t index = 1; index < chain.size(); ++index) {
    if (SSL_CTX_add1_chain_cert(context, chain[index].get()) == 1) continue;
    ThrowTlsOption(
        env, "ERR_TLS_CERTIFICATE",
        "Certificate " + std::to_string(index + 1) + " of \"certificateChain\" was refused");
  }
}

}  // namespace

void UseIdentity(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  if (!options.certificate_chain && !options.private_key && !options.server) return;
  if (!options.certificate_chain) {
    ThrowTlsOption(env, "ERR_TLS_CERTIFICATE",
                   options.server ? "A server needs \"certificateChain\" and \"privateKey\""
                                  : "\"privateKey\" is of no use without \"certificateChain\"");
  }
  if (!options.private_key) {
    ThrowTlsOption(env, "ERR_TLS_KEY", "\"certificateChain\" is of no use without \"privateKey\"");
  }
  const std::vector<X509Ptr> chain = ReadChain(env, *options.certificate_chain);
  const PkeyPtr key = ReadKey(env, options);
  if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_KEY_MISMATCH",
                   "\"privateKey\" does not belong to the first certificate of "
                   "\"certificateChain\"");
  }
  UseChain(env, context, chain);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    ThrowTlsOption(env, "ERR_TLS_KEY", "\"privateKey\" was refused");
  }
}

}  // namespace sluice
