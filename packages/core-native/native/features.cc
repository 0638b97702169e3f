// See features.h.
#include "features.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

#include "kernel_tls.h"

namespace sluice {

namespace {

Napi::Object KernelTls(Napi::Env env) {
  const KernelTlsAbility& ability = ProbedKernelTls();
  Napi::Object kernel_tls = Napi::Object::New(env);
  kernel_tls.Set("openssl", ability.openssl);
  kernel_tls.Set("kernel", ability.kernel);
  kernel_tls.Set("send", ability.send);
  kernel_tls.Set("receive", ability.receive);
  kernel_tls.Set("rekey", ability.rekey);
  kernel_tls.Set("reason",
                 ability.reason.empty() ? env.Undefined() : Napi::String::New(env, ability.reason));
  return kernel_tls;
}

}  // namespace

Napi::Object Features(Napi::Env env) {
  Napi::Object features = Napi::Object::New(env);
  features.Set("opensslVersion", OpenSSL_version(OPENSSL_VERSION));
  features.Set("opensslCompiledVersion", OPENSSL_VERSION_TEXT);
  features.Set("nodeApiVersion", NAPI_VERSION);
  features.Set("kernelTls", KernelTls(env));
  return features;
}

}  // namespace sluice
