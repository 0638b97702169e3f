// See tls_trust.h.
#include "tls_trust.h"

#include <string>
#include <vector>

#include "pem.h"

namespace sluice {

void UseTrust(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // Every anchor given is one, intermediates included (RFC 5280 section 6.1.1 d); OpenSSL alone
  // wants self-signed ones.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (size_t index = 0; index < options.trust_anchors.size(); ++index) {
    std::vector<X509Ptr> anchors;
    if (!ReadCertificates(options.trust_anchors[index], anchors)) {
      ThrowTlsOption(
          env, "ERR_TLS_TRUST_ANCHORS",
          "\"trustAnchors[" + std::to_string(index) + "]\" is not PEM text with certificates");
    }
    for (const X509Ptr& anchor : anchors) {
      // A duplicate is accepted and dropped (X509_STORE_add_cert(3)).
      const bool added = X509_STORE_add_cert(store, anchor.get()) == 1;
      // Tells a client which of its certificates will do (RFC 8446 section 4.2.4).
      const bool named = !options.server || SSL_CTX_add_client_CA(context, anchor.get()) == 1;
      if (!added || !named) {
        ThrowTlsOption(
            env, "ERR_TLS_TRUST_ANCHORS",
            "A certificate of \"trustAnchors[" + std::to_string(index) + "]\" was refused");
      }
    }
  }
  if (!options.verify_peer) return;
  if (options.trust_anchors.empty()) {
    ThrowTlsOption(env, "ERR_TLS_TRUST_ANCHORS",
                   "\"verifyPeer\" without \"trustAnchors\" would refuse every peer");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace sluice
