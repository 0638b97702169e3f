// See environment.h.
#include "environment.h"

#include <openssl/crypto.h>

namespace sluice {

namespace {

void ReleaseInstanceData(napi_env, void* data, void*) {
  delete static_cast<std::shared_ptr<Environment>*>(data);
}

}  // namespace

std::shared_ptr<Environment> Environment::Install(Napi::Env env) {
  auto holder = std::make_unique<std::shared_ptr<Environment>>(std::make_shared<Environment>());
  std::shared_ptr<Environment> environment = *holder;
  if (napi_set_instance_data(env, holder.get(), ReleaseInstanceData, nullptr) != napi_ok) {
    throw Napi::Error::New(env, "Node.js refused the instance data of the Sluice addon");
  }
  holder.release();
  return environment;
}

Environment::~Environment() {
  // OpenSSL keeps an error queue and random generators per thread. It would free them from a
  // destructor of the thread, which runs after the addon may have been unloaded
  // (OPENSSL_thread_stop(3)). On a thread that goes on (the main one) they are simply made again
  // when needed.
  OPENSSL_thread_stop();
}

int32_t Environment::Fail(int error_number, const char* call, std::string_view detail) {
  return Fail(Failure::System(error_number, call, detail));
}

int32_t Environment::Fail(const Failure& failure) {
  last_failure_ = failure;
  return ToInt(Status::kFailed);
}

}  // namespace sluice
