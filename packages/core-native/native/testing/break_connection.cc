// See break_connection.h.
#include "break_connection.h"

#include <netinet/in.h>

#include "real_calls.h"

namespace sluice::testing {

bool BreakConnection(int fd, Descriptor& descriptor, Notice notice) {
  if (descriptor.struck) return false;
  // connect(2) to AF_UNSPEC dissolves the association: tcp_disconnect() of the kernel sends RST,
  // drops both queues, leaves ECONNRESET as the pending error and wakes whoever waits.
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (real().connect(fd, &nobody, sizeof(nobody)) != 0) return false;
  descriptor.struck = true;
  descriptor.broken = true;
  if (notice == Notice::kTaken) {
    int error = 0;
    socklen_t length = sizeof(error);
    real().getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  return true;
}

}  // namespace sluice::testing
