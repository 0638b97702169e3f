// See tls_switch.h.
//
// What follows the context by itself, being looked up in it at each use (read in OpenSSL 3.5.7;
// what this addon sets is tested): cipher lists of both versions, the ALPN callback, trust store,
// names of acceptable authorities, the status callback. SSL_set_SSL_CTX copies
// certificates with their signature algorithms and security level, and the session id context, as
// long as that was not set on the session, and the certificate callback, by which a new session
// gets its lifetime (tls_resumption.cc). The keys of session tickets and the cache by id stay those
// of the first context; the session id context is what keeps resumption inside one policy (P34).
#include "tls_switch.h"

#include <openssl/x509_vfy.h>

#include "tls_psk.h"

namespace sluice {

namespace {

bool TakeVersions(SSL* ssl, SSL_CTX* to) {
  return SSL_set_min_proto_version(ssl, SSL_CTX_get_min_proto_version(to)) == 1 &&
         SSL_set_max_proto_version(ssl, SSL_CTX_get_max_proto_version(to)) == 1;
}

/// What was set on the session itself, beyond its first context, stays.
void TakeBehaviour(SSL* ssl, SSL_CTX* from, SSL_CTX* to) {
  const uint64_t options = SSL_get_options(ssl) & ~SSL_CTX_get_options(from);
  SSL_clear_options(ssl, SSL_get_options(ssl));
  SSL_set_options(ssl, options | SSL_CTX_get_options(to));
  const long mode = SSL_get_mode(ssl) & ~SSL_CTX_get_mode(from);
  SSL_clear_mode(ssl, SSL_get_mode(ssl));
  SSL_set_mode(ssl, mode | SSL_CTX_get_mode(to));
}

bool TakeVerification(SSL* ssl, SSL_CTX* to) {
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(to), SSL_CTX_get_verify_callback(to));
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  // X509_VERIFY_PARAM_set1 adds flags to those that are there.
  X509_VERIFY_PARAM_clear_flags(parameters, X509_VERIFY_PARAM_get_flags(parameters));
  return X509_VERIFY_PARAM_set1(parameters, SSL_CTX_get0_param(to)) == 1;
}

bool TakeGroups(SSL* ssl, const TlsContextCore& from, const TlsContextCore& to) {
  if (from.groups == to.groups) return true;
  return SSL_set1_groups_list(ssl, to.groups.c_str()) == 1;
}

bool TakeSessions(SSL* ssl, SSL_CTX* to) {
  return SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(to)) == 1 &&
         SSL_set_max_early_data(ssl, SSL_CTX_get_max_early_data(to)) == 1 &&
         SSL_set_recv_max_early_data(ssl, SSL_CTX_get_recv_max_early_data(to)) == 1;
}

/// Who listens to the keys of a session listens whoever serves it; the lines of others go nowhere.
void TakeKeyLog(SSL_CTX* from, SSL_CTX* to) {
  const auto log = SSL_CTX_get_keylog_callback(from);
  if (log != nullptr) SSL_CTX_set_keylog_callback(to, log);
}

}  // namespace

bool SwitchContext(SSL* ssl, const TlsContextCore& from, const TlsContextCore& to) noexcept {
  SSL_CTX* context = to.context.get();
  if (SSL_set_SSL_CTX(ssl, context) != context) return false;
  TakeBehaviour(ssl, from.context.get(), context);
  TakeKeyLog(from.context.get(), context);
  TakePsk(ssl, to);
  return TakeVersions(ssl, context) && TakeVerification(ssl, context) &&
         TakeGroups(ssl, from, to) && TakeSessions(ssl, context);
}

}  // namespace sluice
