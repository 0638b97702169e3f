// See socket_options.h.
#include "socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sluice {

namespace {

OptionResult ToResult(bool done) { return done ? OptionResult::kDone : OptionResult::kRefused; }

}  // namespace

OptionResult SetSocketOption(int fd, std::string_view name, int value) {
  if (name == "noDelay") return ToResult(SetIntOption(fd, IPPROTO_TCP, TCP_NODELAY, value != 0));
  if (name == "keepAlive") return ToResult(SetIntOption(fd, SOL_SOCKET, SO_KEEPALIVE, value != 0));
  if (name == "sendBufferBytes") return ToResult(SetIntOption(fd, SOL_SOCKET, SO_SNDBUF, value));
  if (name == "receiveBufferBytes") return ToResult(SetIntOption(fd, SOL_SOCKET, SO_RCVBUF, value));
  if (name == "lingerSeconds") {
    // Negative: off again. Zero makes close(2) send RST (socket(7)).
    const linger setting{value >= 0, value >= 0 ? value : 0};
    return ToResult(setsockopt(fd, SOL_SOCKET, SO_LINGER, &setting, sizeof(setting)) == 0);
  }
  return OptionResult::kUnknown;
}

bool SetIntOption(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

}  // namespace sluice
