// See cipher_names.h.
#include "cipher_names.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "openssl_ptr.h"

namespace sluice {

namespace {

constexpr const char* kEverything = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
constexpr const char* kEverySuite =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";

}  // namespace

Napi::Object CipherSuiteNames(Napi::Env env) {
  Napi::Object names = Napi::Object::New(env);
  const SslCtxPtr context(SSL_CTX_new(TLS_method()));
  if (context && SSL_CTX_set_cipher_list(context.get(), kEverything) == 1 &&
      SSL_CTX_set_ciphersuites(context.get(), kEverySuite) == 1) {
    const STACK_OF(SSL_CIPHER)* suites = SSL_CTX_get_ciphers(context.get());
    for (int index = 0; index < sk_SSL_CIPHER_num(suites); ++index) {
      const SSL_CIPHER* suite = sk_SSL_CIPHER_value(suites, index);
      names.Set(uint32_t{SSL_CIPHER_get_protocol_id(suite)}, SSL_CIPHER_standard_name(suite));
    }
  }
  ERR_clear_error();
  return names;
}

}  // namespace sluice
