// Preloaded into a load program: each socket that connects gets a receive buffer of RECEIVE_BUFFER_BYTES, which the kernel then
// leaves alone. Left to itself it sizes them by chance and for good, and a server that meets larger ones sends more of each
// answer within its own calls, where it is charged for what otherwise is done in the client's time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>

typedef int (*Connect)(int, const struct sockaddr *, socklen_t);

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  static Connect next;
  if (next == NULL) next = (Connect)dlsym(RTLD_NEXT, "connect");
  const char *wanted = getenv("RECEIVE_BUFFER_BYTES");
  const int bytes = wanted == NULL ? 0 : atoi(wanted);
  // A measurement with other buffers than it says would be worse than none.
  if (bytes <= 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) abort();
  return next(fd, address, length);
}
