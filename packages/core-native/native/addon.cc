// Registration: the exports that `NativeBinding` of src/contract.ts lists. Rule: runs once per
// environment, in several threads at once; whatever is shared between them is OpenSSL's own and
// safe to share.
#include <napi.h>

#include "arguments.h"
#include "cipher_names.h"
#include "environment.h"
#include "epoll.h"
#include "features.h"
#include "file.h"
#include "open_file.h"
#include "open_socket.h"
#include "openssl_library.h"
#include "socket.h"
#include "socket_batch.h"
#include "ticket_keys.h"
#include "tls_context.h"
#include "tls_names.h"
#include "tls_session.h"
#ifdef SLUICE_SANITIZED
#include "testing/planted_faults.h"
#endif

namespace sluice {

namespace {

napi_value LastErrno(const Arguments& arguments) {
  const Failure& failure = arguments.environment().last_failure();
  return Integer(arguments.env(),
                 failure.kind == Failure::Kind::kSystem ? failure.error_number : 0);
}

napi_value LastFailure(const Arguments& arguments) {
  return arguments.environment().last_failure().ToObject(arguments.env());
}

napi_value ReportFeatures(const Arguments& arguments) { return Features(arguments.env()); }

napi_value ReportCipherSuiteNames(const Arguments& arguments) {
  return CipherSuiteNames(arguments.env());
}

napi_value LiveObjects(const Arguments& arguments) {
  Environment& environment = arguments.environment();
  const Environment::Live& live = environment.live();
  Napi::Object object = Napi::Object::New(arguments.env());
  object.Set("epolls", live.epolls);
  object.Set("tlsContexts", live.tls_contexts);
  object.Set("tlsSessions", live.tls_sessions);
  object.Set("descriptors", environment.descriptors().size());
  return object;
}

napi_value ReportTlsCounts(const Arguments& arguments) {
  Environment& environment = arguments.environment();
  const auto number = [&](uint64_t count) {
    return Napi::Number::New(arguments.env(), static_cast<double>(count));
  };
  Napi::Object object = Napi::Object::New(arguments.env());
  object.Set("ticketsIssued", number(environment.tickets_issued()));
  object.Set("bytesSealed", number(environment.traffic().sealed));
  object.Set("bytesOpened", number(environment.traffic().opened));
  return object;
}

void DefineReports(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(
      env, exports,
      {
          CallProperty("lastErrno", FunctionCallback<LastErrno>, environment),
          CallProperty("lastFailure", FunctionCallback<LastFailure>, environment),
          CallProperty("features", FunctionCallback<ReportFeatures>, environment),
          CallProperty("cipherSuiteNames", FunctionCallback<ReportCipherSuiteNames>, environment),
          CallProperty("liveObjects", FunctionCallback<LiveObjects>, environment),
          CallProperty("tlsCounts", FunctionCallback<ReportTlsCounts>, environment),
      });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  // Before anything else can reach the library and make it read its configuration file.
  if (!StartOpenSsl())
    throw Napi::Error::New(env, "OpenSSL, linked into the Sluice addon, did not start");
  const std::shared_ptr<Environment> environment = Environment::Install(env);
  exports.Set("Epoll", Epoll::Define(env, *environment));
  exports.Set("TlsContext", TlsContext::Define(env, *environment));
  exports.Set("TlsNames", TlsNames::Define(env, *environment));
  exports.Set("TlsSession", TlsSession::Define(env, *environment));
  DefineOpenCalls(env, exports, *environment);
  DefineFileCalls(env, exports, *environment);
  DefineOpenFileCalls(env, exports, *environment);
  DefineSocketCalls(env, exports, *environment);
  DefineBatchCalls(env, exports, *environment);
  DefineTicketKeyCalls(env, exports, *environment);
  DefineReports(env, exports, *environment);
#ifdef SLUICE_SANITIZED
  DefinePlantedFaults(env, exports, *environment);
#endif
  return exports;
}

NODE_API_MODULE(sluice, Init)

}  // namespace

}  // namespace sluice
