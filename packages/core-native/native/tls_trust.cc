// See tls_trust.h.
#include "tls_trust.h"

#include <openssl/err.h>

#include <string>
#include <vector>

#include "pem.h"

namespace sluice {

namespace {

void AddAnchors(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // Every anchor given is one, intermediates included (RFC 5280 section 6.1.1 d); OpenSSL alone
  // wants self-signed ones.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (size_t index = 0; index < options.trust_anchors.size(); ++index) {
    const std::string name = "\"trustAnchors[" + std::to_string(index) + "]\"";
    std::vector<X509Ptr> anchors;
    if (!ReadCertificates(options.trust_anchors[index], anchors)) {
      ThrowTlsOption(env, "ERR_TLS_TRUST_ANCHORS", name + " is not PEM text with certificates");
    }
    for (const X509Ptr& anchor : anchors) {
      // A duplicate is accepted and dropped (X509_STORE_add_cert(3)).
      const bool added = X509_STORE_add_cert(store, anchor.get()) == 1;
      // Tells a client which of its certificates will do (RFC 8446 section 4.2.4).
      const bool named = !options.server || SSL_CTX_add_client_CA(context, anchor.get()) == 1;
      if (!added || !named) {
        ThrowTlsOption(env, "ERR_TLS_TRUST_ANCHORS", "A certificate of " + name + " was refused");
      }
    }
  }
}

void AddCrls(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (size_t index = 0; index < options.crls.size(); ++index) {
    const std::string name = "\"crls[" + std::to_string(index) + "]\"";
    std::vector<X509CrlPtr> crls;
    if (!ReadCrls(options.crls[index], crls)) {
      ThrowTlsOption(env, "ERR_TLS_CRLS", name + " is not PEM text with CRLs");
    }
    for (const X509CrlPtr& crl : crls) {
      if (X509_STORE_add_crl(store, crl.get()) == 1) continue;
      ThrowTlsOption(env, "ERR_TLS_CRLS", "A CRL of " + name + " was refused");
    }
  }
  if (options.crls.empty()) return;
  // The leaf only, unless more is asked for: X509_V_FLAG_CRL_CHECK_ALL wants a CRL of every
  // authority above it, roots included, which few can give.
  const unsigned long rest = options.crl_check_chain ? X509_V_FLAG_CRL_CHECK_ALL : 0;
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | rest);
}

/// Verifies as OpenSSL would, and lets the handshake go on whatever comes of it: the first error
/// stays what SSL_get_verify_result tells (SSL_CTX_set_cert_verify_callback(3)). A verify callback
/// that answers 1 would go on to the consequences, and keep the last.
int VerifyAndGoOn(X509_STORE_CTX* verification, void* /*data*/) {
  // What is left in the queue would turn the handshake's next want into an error
  // (SSL_get_error(3)).
  ERR_set_mark();
  const bool verified = X509_verify_cert(verification) == 1;
  ERR_pop_to_mark();
  if (!verified && X509_STORE_CTX_get_error(verification) == X509_V_OK) {
    X509_STORE_CTX_set_error(verification, X509_V_ERR_UNSPECIFIED);
  }
  return 1;
}

}  // namespace

void UseTrust(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  AddAnchors(env, context, options);
  AddCrls(env, context, options);
  if (options.verify_peer) {
    if (options.trust_anchors.empty()) {
      ThrowTlsOption(env, "ERR_TLS_TRUST_ANCHORS",
                     "\"verifyPeer\" without \"trustAnchors\" would refuse every peer");
    }
    return SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (!options.request_certificate) return;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, VerifyAndGoOn, nullptr);
}

}  // namespace sluice
