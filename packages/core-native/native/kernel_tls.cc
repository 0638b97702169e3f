// See kernel_tls.h.
#include "kernel_tls.h"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/opensslv.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "failure.h"
#include "kernel_tls_numbers.h"
#include "unique_fd.h"

namespace sluice {

namespace {

/// Two ends of a connection over the loopback interface, blocking: no one else is in between.
struct Loop {
  UniqueFd ours;
  UniqueFd theirs;

  Loop() {
    const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (!listener.valid() || bind(listener.get(), raw, length) != 0 ||
        listen(listener.get(), 1) != 0 || getsockname(listener.get(), raw, &length) != 0)
      return;
    UniqueFd caller(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!caller.valid() || connect(caller.get(), raw, length) != 0) return;
    theirs = UniqueFd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (theirs.valid()) ours = std::move(caller);
  }
};

bool Take(int fd, int direction, unsigned char key) {
  tls12_crypto_info_aes_gcm_128 keys{};
  keys.info.version = TLS_1_3_VERSION;
  keys.info.cipher_type = TLS_CIPHER_AES_GCM_128;
  keys.key[0] = key;
  return setsockopt(fd, SOL_TLS, direction, &keys, sizeof(keys)) == 0;
}

bool TakeProtocol(int fd) {
  return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0;
}

void ProbeConnection(KernelTlsAbility& ability) {
  const Loop loop;
  if (!loop.ours.valid()) {
    ability.reason = "the kernel could not be asked: no connection over 127.0.0.1";
    return;
  }
  const int fd = loop.ours.get();
  if (!TakeProtocol(fd)) {
    ability.reason = UlpRefusal(errno);
    return;
  }
  ability.send = Take(fd, TLS_TX, 1);
  if (!ability.send) ability.reason = "the kernel refused the keys (" + ErrorName(errno) + ")";
  ability.receive = Take(fd, TLS_RX, 1);
  ability.rekey = ability.send && Take(fd, TLS_TX, 2);
}

KernelTlsAbility Probe() {
  KernelTlsAbility ability;
  ability.reason = LibraryRefusal();
  ability.openssl = ability.reason.empty();
  // A kernel that has the protocol finds that the socket is not connected yet; one that has not
  // does not get that far (ENOENT). Reading /proc/sys/net/ipv4/tcp_available_ulp would miss a
  // module not loaded yet.
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    if (ability.openssl) ability.reason = "the kernel could not be asked: no socket";
    return ability;
  }
  ability.kernel = TakeProtocol(fd.get()) || errno == ENOTCONN;
  if (!ability.openssl) return ability;
  if (ability.kernel) {
    ProbeConnection(ability);
  } else {
    ability.reason = UlpRefusal(errno);
  }
  return ability;
}

}  // namespace

const KernelTlsAbility& ProbedKernelTls() {
  static const KernelTlsAbility ability = Probe();
  return ability;
}

std::string UlpRefusal(int error_number) {
  if (error_number == ENOENT)
    return "this kernel has no TLS sockets: its module tls is not there, or not loaded";
  return "this socket cannot be a TLS socket of the kernel (" + ErrorName(error_number) + ")";
}

std::string LibraryRefusal() {
#if !defined(SSL_OP_ENABLE_KTLS) || defined(OPENSSL_NO_KTLS)
  return "this OpenSSL was built without kernel TLS";
#elif OPENSSL_VERSION_NUMBER < 0x30500070L
  // Older ones keep the address of a record that has blocked (P17).
  return "kernel TLS takes OpenSSL 3.5.7 or later";
#else
  return {};
#endif
}

}  // namespace sluice
