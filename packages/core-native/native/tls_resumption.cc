// See tls_resumption.h.
#include "tls_resumption.h"

#include <openssl/evp.h>

#include <string>

#include "openssl_ptr.h"

namespace sluice {

namespace {

/// Differs per trust policy, so that a session of one never resumes under another (P34).
std::string DeriveSessionIdContext(Napi::Env env, const TlsContextOptions& options) {
  const MdCtxPtr digest(EVP_MD_CTX_new());
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  const auto add = [&](const std::string& part) {
    const uint64_t size = part.size();
    EVP_DigestUpdate(digest.get(), &size, sizeof(size));
    EVP_DigestUpdate(digest.get(), part.data(), part.size());
  };
  add(options.verify_peer ? "verify" : options.request_certificate ? "request" : "no verify");
  for (const IdentityOptions& identity : options.identities) {
    add(identity.certificate_chain.value_or(""));
    add(identity.pkcs12 ? identity.pkcs12->text() : "");
  }
  // Counted, so that an anchor and a CRL that change places are another policy too.
  add(std::to_string(options.trust_anchors.size()));
  // A session brings its cipher along, whatever the context that resumes it allows.
  add(std::to_string(options.min_version) + "-" + std::to_string(options.max_version));
  for (const auto& list : {options.ciphers, options.cipher_suites, options.groups})
    add(list.value_or(""));
  for (const std::string& anchors : options.trust_anchors) add(anchors);
  for (const std::string& crl : options.crls) add(crl);
  std::string id(EVP_MD_get_size(EVP_sha256()), '\0');
  if (EVP_DigestFinal_ex(digest.get(), reinterpret_cast<unsigned char*>(id.data()), nullptr) != 1) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "The session id context could not be derived");
  }
  return id;
}

}  // namespace

void UseResumption(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  // Tickets keep the state with the client; the server's own cache would grow to 20480 sessions a
  // context.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, static_cast<size_t>(options.tickets));
  // In TLS 1.2 the number has no say; without tickets there shall be none.
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  const std::string id = options.session_id_context ? *options.session_id_context
                                                    : DeriveSessionIdContext(env, options);
  if (id.size() > SSL_MAX_SID_CTX_LENGTH ||
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                     static_cast<unsigned int>(id.size())) != 1) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "\"sessionIdContext\" must be at most 32 bytes");
  }
}

}  // namespace sluice
