// See listen_filter.h.
#include "listen_filter.h"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sluice {

namespace {

// Byte of the TCP header that holds the flags (RFC 9293 section 3.1), where a socket filter's
// packet begins.
constexpr unsigned kFlagsOffset = 13;
constexpr unsigned kKeep = 0xffffffff;

}  // namespace

bool RefuseNewcomers(int fd) {
  sock_filter instructions[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsOffset),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
      // A SYN alone begins a connection. It is dropped, not refused: the client repeats it after a
      // second, and by then finds the socket closed, or somebody else listening.
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, kKeep),
  };
  const sock_fprog program{sizeof(instructions) / sizeof(instructions[0]), instructions};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

}  // namespace sluice
