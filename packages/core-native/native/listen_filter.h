// Closing a listener without losing whoever is half-way in: the SYN of every newcomer is dropped,
// while handshakes that have begun are completed and can be accepted. Closing the socket at once
// would reset them.
#pragma once

namespace sluice {

/// By a packet filter (socket(7), SO_ATTACH_FILTER). Newer kernels allow it on TCP sockets to
/// CAP_NET_ADMIN only. False, errno set, when it could not be done; so below.
bool RefuseByFilter(int fd);

/// By demanding a hop limit that no packet has (ip(7), IP_MINTTL): anybody may. What is accepted
/// inherits it, and hears nothing until TakeOffRefusal.
bool RefuseByHopLimit(int fd);

/// Takes off an accepted socket what it inherited by either. What it never had is no error.
void TakeOffRefusal(int fd);

}  // namespace sluice
