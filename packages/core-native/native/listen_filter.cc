// See listen_filter.h.
#include "listen_filter.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "socket_options.h"

namespace sluice {

namespace {

// Byte of the TCP header that holds the flags (RFC 9293 section 3.1), where a socket filter's
// packet begins.
constexpr unsigned kFlagsOffset = 13;
constexpr unsigned kKeep = 0xffffffff;

// The largest hop limit there is. Packets of a router next door that sends with it get through, and
// are served like everybody before.
constexpr int kAllHops = 255;

bool DemandHops(int fd, int hops) {
  int family = AF_INET;
  socklen_t length = sizeof(family);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return false;
  // A dual-stack socket hears both families, each with a demand of its own.
  if (family == AF_INET6 && !SetIntOption(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, hops)) return false;
  return SetIntOption(fd, IPPROTO_IP, IP_MINTTL, hops);
}

}  // namespace

bool RefuseByFilter(int fd) {
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

bool RefuseByHopLimit(int fd) { return DemandHops(fd, kAllHops); }

void TakeOffRefusal(int fd) {
  DemandHops(fd, 0);
  SetIntOption(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

}  // namespace sluice
