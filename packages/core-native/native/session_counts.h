// What became of the sessions that clients offer to a server. Rule: only watches; which session is
// resumed is decided by OpenSSL, the ticket keys and the session id context.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace sluice {

/// Watches the sessions of a server's context. `tickets_issued` counts those that are made, and
/// must outlive it.
void WatchSessions(SSL_CTX* context, uint64_t* tickets_issued);

/// How the handshake of a server's session, which is complete, met what its client offered:
/// `ticket` or `id` resumed one by it, `ticket refused` or `id refused` did not; nothing (null) for
/// a client, and where nothing was offered. `used_psk`: it was made with a key from outside.
enum class Resumption { kNone, kTicket, kId, kTicketRefused, kIdRefused };
Resumption ResumptionOf(const SSL* ssl, bool used_psk);
const char* ResumptionName(Resumption resumption);

}  // namespace sluice
