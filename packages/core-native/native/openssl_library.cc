// See openssl_library.h.
#include "openssl_library.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>
#include <openssl/ssl.h>

static_assert(OPENSSL_VERSION_MAJOR >= 3, "Sluice needs OpenSSL 3.0 or later");

namespace sluice {

bool StartOpenSsl() {
  // The first call decides (OPENSSL_init_crypto(3)); initializing a static is thread-safe, and
  // workers load at once. No configuration file: /etc/ssl/openssl.cnf and OPENSSL_CONF belong to
  // other programs (P38). No atexit handler: it would run after this code was unmapped, or beside
  // threads that still use it (P50).
  static const bool started =
      OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
                           OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
                       nullptr) == 1;
  return started;
}

}  // namespace sluice
