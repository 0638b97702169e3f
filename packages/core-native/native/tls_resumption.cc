// See tls_resumption.h.
#include "tls_resumption.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

#include "client_resumption.h"
#include "openssl_ptr.h"
#include "ticket_keys.h"

namespace sluice {

namespace {

/// Differs per trust policy, so that a session of one never resumes under another (P34): all
/// contexts of the process share their ticket keys, and a name that the caller chose does not stand
/// for what he trusts.
std::string DeriveSessionIdContext(Napi::Env env, const TlsContextOptions& options) {
  const MdCtxPtr digest(EVP_MD_CTX_new());
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  const auto add = [&](const std::string& part) {
    const uint64_t size = part.size();
    EVP_DigestUpdate(digest.get(), &size, sizeof(size));
    EVP_DigestUpdate(digest.get(), part.data(), part.size());
  };
  add(options.verify_peer ? "verify" : options.request_certificate ? "request" : "no verify");
  add(options.session_id_context ? "named" : "unnamed");
  add(options.session_id_context.value_or(""));
  // Lists are counted, so that an anchor and a CRL that change places are another policy too.
  add(std::to_string(options.identities.size()));
  for (const IdentityOptions& identity : options.identities) {
    add(identity.certificate_chain.value_or(""));
    add(identity.pkcs12 ? identity.pkcs12->text() : "");
  }
  // A session brings its cipher along, whatever the context that resumes it allows.
  add(std::to_string(options.min_version) + "-" + std::to_string(options.max_version));
  for (const auto& list : {options.ciphers, options.cipher_suites, options.groups})
    add(list.value_or(""));
  add(std::to_string(options.security_level));
  add(std::to_string(options.trust_anchors.size()));
  for (const std::string& anchors : options.trust_anchors) add(anchors);
  add(std::to_string(options.crls.size()));
  for (const std::string& crl : options.crls) add(crl);
  // Whoever is given another key, or none any more, shall not go on with a session of the old one.
  add(options.psk ? options.psk->is_sha384 ? "psk sha384" : "psk sha256" : "no psk");
  if (options.psk) {
    add(options.psk->is_required ? "required" : "welcome");
    add(std::to_string(options.psk->entries.size()));
    for (const PskEntry& entry : options.psk->entries) {
      add(entry.identity);
      add(entry.key.text());
    }
  }
  add(options.crl_check_chain ? "chain" : "leaf");
  std::string id(EVP_MD_get_size(EVP_sha256()), '\0');
  if (EVP_DigestFinal_ex(digest.get(), reinterpret_cast<unsigned char*>(id.data()), nullptr) != 1) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "The session id context could not be derived");
  }
  return id;
}

/// A server's by id, for clients of TLS 1.2 without tickets: OpenSSL's own, whose default of 20480
/// sessions a context nobody has asked for. A client's is ours.
void UseCache(TlsContextCore& core, int size) {
  SSL_CTX* context = core.context.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // 0 would stand for no limit (SSL_CTX_sess_set_cache_size(3)).
  if (size == 0) return;
  if (core.server) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    // The one that comes in is counted before the oldest goes.
    SSL_CTX_sess_set_cache_size(context, size + 1);
    return;
  }
  core.client_sessions = std::make_unique<ClientSessions>(static_cast<size_t>(size));
  KeepClientSessions(context);
}

void UseTickets(Napi::Env env, SSL_CTX* context, const TlsContextOptions& options) {
  // In TLS 1.2 the number has no say; without tickets there shall be none.
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (!options.server) return;
  // None with the handshake: see SendTicketsWithNextWrite.
  SSL_CTX_set_num_tickets(context, 0);
  if (!UseTicketKeys(context)) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "OpenSSL refused the ticket keys");
  }
}

/// With early data OpenSSL keeps the sessions of TLS 1.3 in the cache, and gives each out once: a
/// ticket that is used a second time, early data and all, finds nothing (SSL_CTX_set_options(3),
/// SSL_OP_NO_ANTI_REPLAY, which stays off; RFC 8446 section 8.1).
void TakeEarlyData(SSL_CTX* context, int most) {
  if (most == 0) return;
  SSL_CTX_set_max_early_data(context, static_cast<uint32_t>(most));
  SSL_CTX_set_recv_max_early_data(context, static_cast<uint32_t>(most));
}

/// A new session begins with the lifetime of the context that its handshake began with; the one
/// that serves it is known here, before it is sealed in a ticket or kept (SSL_CTX_set_cert_cb(3)).
int TakeLifetime(SSL* ssl, void*) noexcept {
  SSL_SESSION_set_timeout(SSL_get_session(ssl), SSL_CTX_get_timeout(SSL_get_SSL_CTX(ssl)));
  return 1;
}

}  // namespace

void UseResumption(Napi::Env env, TlsContextCore& core, const TlsContextOptions& options) {
  SSL_CTX* context = core.context.get();
  UseCache(core, options.session_cache_size);
  UseTickets(env, context, options);
  SSL_CTX_set_timeout(context, options.session_timeout_seconds);
  if (options.server) TakeEarlyData(context, options.max_early_data);
  if (options.server) SSL_CTX_set_cert_cb(context, TakeLifetime, nullptr);
  if (options.session_id_context && options.session_id_context->size() > SSL_MAX_SID_CTX_LENGTH) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "\"sessionIdContext\" must be at most 32 bytes");
  }
  core.session_id_context = DeriveSessionIdContext(env, options);
  const auto* id = reinterpret_cast<const unsigned char*>(core.session_id_context.data());
  if (SSL_CTX_set_session_id_context(
          context, id, static_cast<unsigned int>(core.session_id_context.size())) != 1) {
    ThrowTlsOption(env, "ERR_TLS_OPTION", "The session id context was refused");
  }
}

Napi::Object ClientSessionStats(Napi::Env env, const ClientSessions::Stats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kept", static_cast<double>(stats.kept));
  object.Set("hits", static_cast<double>(stats.hits));
  object.Set("misses", static_cast<double>(stats.misses));
  object.Set("evicted", static_cast<double>(stats.evicted));
  return object;
}

Napi::Object ServerSessionStats(Napi::Env env, SSL_CTX* context) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kept", static_cast<double>(SSL_CTX_sess_number(context)));
  object.Set("hits", static_cast<double>(SSL_CTX_sess_hits(context)));
  object.Set("misses", static_cast<double>(SSL_CTX_sess_misses(context)));
  object.Set("evicted", static_cast<double>(SSL_CTX_sess_cache_full(context)));
  return object;
}

// Sent at the end of the handshake, tickets meet a peer that has closed by then and turn its FIN
// into a reset, which destroys the request that came before it; or they meet a full send buffer and
// keep the request from being read (P33). What is written has been asked for.
void SendTicketsWithNextWrite(SSL* ssl, int count, bool resumed) {
  if (SSL_version(ssl) != TLS1_3_VERSION) return;
  // A client that resumed has used up one.
  const int due = resumed ? std::min(count, 1) : count;
  for (int ticket = 0; ticket < due; ++ticket) SSL_new_session_ticket(ssl);
}

}  // namespace sluice
