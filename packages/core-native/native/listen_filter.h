// Closing a listener without losing whoever is half-way in.
#pragma once

namespace sluice {

/// From now on the kernel drops the SYN of every newcomer to the listening TCP socket `fd`;
/// handshakes that have begun are completed and can be accepted. Closing the socket at once would
/// reset them. False, errno set, when it could not be done.
bool RefuseNewcomers(int fd);

}  // namespace sluice
