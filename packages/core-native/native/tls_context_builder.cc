// Builds an SSL_CTX from options. Rule: each step either holds or throws with a code of the
// contract and OpenSSL's reason; OpenSSL's own habit of ignoring what it does not know ends here.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <cstring>

#include "alpn.h"
#include "openssl_library.h"
#include "pem.h"
#include "tls_context.h"
#include "tls_identity.h"

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

class Builder {
 public:
  Builder(Napi::Env env, const TlsContextOptions& options) : env_(env), options_(options) {}

  std::shared_ptr<const TlsContextCore> Build() {
    ERR_clear_error();
    if (!StartOpenSsl()) Throw("ERR_TLS_OPTION", "OpenSSL did not start");
    core_->server = options_.server;
    core_->context.reset(SSL_CTX_new(options_.server ? TLS_server_method() : TLS_client_method()));
    if (!core_->context) Throw("ERR_TLS_OPTION", "OpenSSL made no context");
    SetBehaviour();
    SetVersions();
    SetCiphers();
    SetGroups();
    UseIdentity(env_, context(), options_);
    SetTrust();
    SetAlpn();
    SetSessions();
    ERR_clear_error();
    return core_;
  }

 private:
  SSL_CTX* context() const { return core_->context.get(); }
  [[noreturn]] void Throw(const char* code, const std::string& message) const {
    ThrowTlsOption(env_, code, message);
  }

  void SetBehaviour() {
    // Partial and moving writes: a blocked write may come back from another address, and an
    // accepted part is told at once. Released buffers: an idle connection costs 27 KiB instead
    // of 60. No automatic chain: what is sent is what was given; OpenSSL would otherwise search the
    // trust store for issuers, anew in each handshake.
    SSL_CTX_set_mode(context(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
                                    SSL_MODE_NO_AUTO_CHAIN);
    // SSL_OP_IGNORE_UNEXPECTED_EOF stays off: a cut stream must not look like an ended one (P26).
    SSL_CTX_set_options(context(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_NO_COMPRESSION);
    // Without it each record takes two recv(2): five bytes of header, then the body.
    SSL_CTX_set_read_ahead(context(), 1);
  }

  void SetVersions() {
    if (SSL_CTX_set_min_proto_version(context(), options_.min_version) == 1 &&
        SSL_CTX_set_max_proto_version(context(), options_.max_version) == 1) {
      return;
    }
    Throw("ERR_TLS_OPTION", "The protocol versions were refused");
  }

  void SetCiphers() {
    const std::string ciphers = options_.ciphers.value_or(kDefaultCiphers);
    if (SSL_CTX_set_cipher_list(context(), ciphers.c_str()) != 1) {
      Throw("ERR_TLS_CIPHERS", "\"ciphers\" selects no TLS 1.2 cipher: \"" + ciphers + "\"");
    }
    const std::string suites = options_.cipher_suites.value_or(kDefaultCipherSuites);
    CheckSuiteNames(suites);
    if (SSL_CTX_set_ciphersuites(context(), suites.c_str()) != 1) {
      Throw("ERR_TLS_CIPHERS", "\"cipherSuites\" was refused: \"" + suites + "\"");
    }
  }

  /// A list with one good name passes whatever else is in it; one name at a time does not.
  void CheckSuiteNames(const std::string& suites) {
    size_t start = 0;
    while (start <= suites.size()) {
      const size_t end = std::min(suites.find(':', start), suites.size());
      const std::string name = suites.substr(start, end - start);
      if (name.empty() || SSL_CTX_set_ciphersuites(context(), name.c_str()) != 1) {
        Throw("ERR_TLS_CIPHERS", "\"cipherSuites\" names no TLS 1.3 suite: \"" + name + "\"");
      }
      start = end + 1;
    }
  }

  void SetGroups() {
    if (!options_.groups || SSL_CTX_set1_groups_list(context(), options_.groups->c_str()) == 1)
      return;
    Throw("ERR_TLS_GROUPS", "\"groups\" was refused: \"" + *options_.groups + "\"");
  }

  void SetTrust() {
    X509_STORE* store = SSL_CTX_get_cert_store(context());
    // Every anchor given is one, intermediates included (RFC 5280 section 6.1.1 d); OpenSSL alone
    // wants self-signed ones.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    for (size_t index = 0; index < options_.trust_anchors.size(); ++index) {
      std::vector<X509Ptr> anchors;
      if (!ReadCertificates(options_.trust_anchors[index], anchors)) {
        Throw("ERR_TLS_TRUST_ANCHORS",
              "\"trustAnchors[" + std::to_string(index) + "]\" is not PEM text with certificates");
      }
      for (const X509Ptr& anchor : anchors) {
        // A duplicate is accepted and dropped (X509_STORE_add_cert(3)).
        const bool added = X509_STORE_add_cert(store, anchor.get()) == 1;
        // Tells a client which of its certificates will do (RFC 8446 section 4.2.4).
        const bool named = !options_.server || SSL_CTX_add_client_CA(context(), anchor.get()) == 1;
        if (!added || !named) {
          Throw("ERR_TLS_TRUST_ANCHORS",
                "A certificate of \"trustAnchors[" + std::to_string(index) + "]\" was refused");
        }
      }
    }
    if (!options_.verify_peer) return;
    if (options_.trust_anchors.empty()) {
      Throw("ERR_TLS_TRUST_ANCHORS",
            "\"verifyPeer\" without \"trustAnchors\" would refuse every peer");
    }
    SSL_CTX_set_verify(context(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

  void SetAlpn() {
    if (options_.alpn.empty()) return;
    core_->alpn = EncodeAlpn(options_.alpn);
    if (core_->alpn.empty())
      Throw("ERR_TLS_OPTION", "\"alpn\" must hold names of 1 to 255 bytes, 65535 in all");
    if (options_.server) return SelectAlpn(context(), &core_->alpn);
    // 0 is success here, unlike anywhere else in the library (SSL_CTX_set_alpn_protos(3)).
    if (SSL_CTX_set_alpn_protos(context(), core_->alpn.data(),
                                static_cast<unsigned int>(core_->alpn.size())) != 0) {
      Throw("ERR_TLS_OPTION", "\"alpn\" was refused");
    }
  }

  void SetSessions() {
    // Tickets keep the state with the client; the server's own cache would grow to 20480 sessions a
    // context.
    SSL_CTX_set_session_cache_mode(context(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context(), static_cast<size_t>(options_.tickets));
    // In TLS 1.2 the number has no say; without tickets there shall be none.
    if (options_.tickets == 0) SSL_CTX_set_options(context(), SSL_OP_NO_TICKET);
    const std::string id =
        options_.session_id_context ? *options_.session_id_context : DeriveSessionIdContext();
    if (id.size() > SSL_MAX_SID_CTX_LENGTH ||
        SSL_CTX_set_session_id_context(context(), reinterpret_cast<const unsigned char*>(id.data()),
                                       static_cast<unsigned int>(id.size())) != 1) {
      Throw("ERR_TLS_OPTION", "\"sessionIdContext\" must be at most 32 bytes");
    }
  }

  /// Differs per trust policy, so that a session of one never resumes under another (P34).
  std::string DeriveSessionIdContext() {
    const MdCtxPtr digest(EVP_MD_CTX_new());
    EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
    const auto add = [&](const std::string& part) {
      const uint64_t size = part.size();
      EVP_DigestUpdate(digest.get(), &size, sizeof(size));
      EVP_DigestUpdate(digest.get(), part.data(), part.size());
    };
    add(options_.verify_peer ? "verify" : "no verify");
    add(options_.certificate_chain.value_or(""));
    for (const std::string& anchors : options_.trust_anchors) add(anchors);
    std::string id(EVP_MD_get_size(EVP_sha256()), '\0');
    if (EVP_DigestFinal_ex(digest.get(), reinterpret_cast<unsigned char*>(id.data()), nullptr) !=
        1) {
      Throw("ERR_TLS_OPTION", "The session id context could not be derived");
    }
    return id;
  }

  Napi::Env env_;
  const TlsContextOptions& options_;
  std::shared_ptr<TlsContextCore> core_ = std::make_shared<TlsContextCore>();
};

}  // namespace

std::shared_ptr<const TlsContextCore> BuildTlsContext(Napi::Env env,
                                                      const TlsContextOptions& options) {
  return Builder(env, options).Build();
}

}  // namespace sluice
