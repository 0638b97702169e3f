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

Resumption ResumptionOf(const SSL* ssl, bool used_psk) {
  if (SSL_is_server(ssl) != 1) return Resumption::kNone;
  const auto seen = static_cast<Seen>(reinterpret_cast<intptr_t>(SSL_get_ex_data(ssl, Index())));
  const bool resumed = SSL_session_reused(ssl) == 1;
  if (seen == Seen::kTicket) return resumed ? Resumption::kTicket : Resumption::kTicketRefused;
  if (resumed && used_psk) return Resumption::kNone;
  // In TLS 1.3 the id of a session that is kept, for the sake of early data, comes as a ticket.
  const bool by_ticket = SSL_version(ssl) >= TLS1_3_VERSION;
  if (resumed) return by_ticket ? Resumption::kTicket : Resumption::kId;
  if (seen == Seen::kNothing) return Resumption::kNone;
  return by_ticket || seen == Seen::kStrangeTicket ? Resumption::kTicketRefused
                                                   : Resumption::kIdRefused;
}

const char* ResumptionName(Resumption resumption) {
  switch (resumption) {
    case Resumption::kTicket:
      return "ticket";
    case Resumption::kId:
      return "id";
    case Resumption::kTicketRefused:
      return "ticket refused";
    case Resumption::kIdRefused:
      return "id refused";
    case Resumption::kNone:
      break;
  }
  return nullptr;
}

}  // namespace sluice
