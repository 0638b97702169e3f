// See session_counts.h.
#include "session_counts.h"

namespace sluice {

namespace {

/// What was seen on one session. Kept as the value of a pointer, so that nothing has to be freed.
enum class Seen : intptr_t { kNothing, kTicket, kStrangeTicket, kStrangeId };

int Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// Without memory for the note one count is missing.
void Note(SSL* ssl, Seen seen) { SSL_set_ex_data(ssl, Index(), reinterpret_cast<void*>(seen)); }

int OnTicketMade(SSL*, void* issued) noexcept {
  ++*static_cast<uint64_t*>(issued);
  return 1;
}

/// Answers what OpenSSL would have done unasked (SSL_CTX_set_session_ticket_cb(3)).
SSL_TICKET_RETURN OnTicketOpened(SSL* ssl, SSL_SESSION*, const unsigned char*, size_t,
                                 SSL_TICKET_STATUS status, void*) noexcept {
  switch (status) {
    case SSL_TICKET_SUCCESS:
      Note(ssl, Seen::kTicket);
      return SSL_TICKET_RETURN_USE;
    case SSL_TICKET_SUCCESS_RENEW:
      Note(ssl, Seen::kTicket);
      return SSL_TICKET_RETURN_USE_RENEW;
    case SSL_TICKET_NO_DECRYPT:
      Note(ssl, Seen::kStrangeTicket);
      break;
    default:
      break;
  }
  return SSL_TICKET_RETURN_IGNORE_RENEW;
}

/// Asked for a session that the cache does not have (SSL_CTX_sess_set_get_cb(3)); nor do we.
SSL_SESSION* OnIdMissed(SSL* ssl, const unsigned char*, int, int*) noexcept {
  Note(ssl, Seen::kStrangeId);
  return nullptr;
}

}  // namespace

void WatchSessions(SSL_CTX* context, uint64_t* tickets_issued) {
  SSL_CTX_set_session_ticket_cb(context, OnTicketMade, OnTicketOpened, tickets_issued);
  SSL_CTX_sess_set_get_cb(context, OnIdMissed);
}

const char* ResumptionName(const SSL* ssl, bool used_psk) {
  if (SSL_is_server(ssl) != 1) return nullptr;
  const auto seen = static_cast<Seen>(reinterpret_cast<intptr_t>(SSL_get_ex_data(ssl, Index())));
  const bool resumed = SSL_session_reused(ssl) == 1;
  if (seen == Seen::kTicket) return resumed ? "ticket" : "ticket refused";
  if (resumed && used_psk) return nullptr;
  // In TLS 1.3 the id of a session that is kept, for the sake of early data, comes as a ticket.
  const bool by_ticket = SSL_version(ssl) >= TLS1_3_VERSION;
  if (resumed) return by_ticket ? "ticket" : "id";
  if (seen == Seen::kNothing || seen == Seen::kTicket) return nullptr;
  return by_ticket || seen == Seen::kStrangeTicket ? "ticket refused" : "id refused";
}

}  // namespace sluice
