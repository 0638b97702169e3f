// See features.h.
#include "features.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "unique_fd.h"

#ifndef TCP_ULP
#define TCP_ULP 31  // linux/tcp.h; some C libraries do not repeat it
#endif

namespace sluice {

namespace {

bool LibraryHasKernelTls() {
#if defined(SSL_OP_ENABLE_KTLS) && !defined(OPENSSL_NO_KTLS)
  return true;
#else
  return false;
#endif
}

/// Tries what OpenSSL would try. A kernel that has the protocol finds that the socket is not
/// connected yet; one that has not does not get that far (ENOENT). Reading
/// /proc/sys/net/ipv4/tcp_available_ulp would miss a module not loaded yet.
bool KernelHasTls() {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return false;
  static constexpr char kName[] = "tls";
  return setsockopt(fd.get(), IPPROTO_TCP, TCP_ULP, kName, sizeof(kName)) == 0 || errno == ENOTCONN;
}

}  // namespace

Napi::Object Features(Napi::Env env) {
  Napi::Object kernel_tls = Napi::Object::New(env);
  kernel_tls.Set("openssl", LibraryHasKernelTls());
  kernel_tls.Set("kernel", KernelHasTls());
  Napi::Object features = Napi::Object::New(env);
  features.Set("opensslVersion", OpenSSL_version(OPENSSL_VERSION));
  features.Set("opensslCompiledVersion", OPENSSL_VERSION_TEXT);
  features.Set("nodeApiVersion", NAPI_VERSION);
  features.Set("kernelTls", kernel_tls);
  return features;
}

}  // namespace sluice
