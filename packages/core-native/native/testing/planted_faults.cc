// See planted_faults.h. The reports name the lines of this file; nothing reads them by number.
#include "planted_faults.h"

#include <openssl/ssl.h>

#include <climits>
#include <cstddef>
#include <string>

#include "../arguments.h"
#include "../environment.h"

namespace sluice {

namespace {

/// Longer than what std::string keeps within itself.
constexpr size_t kLength = 100;

/// What the compiler must not see through.
volatile int observed = 0;

/// Three ways to lose memory: by an operator, inside of the C++ library and inside of OpenSSL,
/// which are not instrumented.
napi_value Leak(const Arguments& arguments) {
  char* bytes = new char[kLength];
  observed = bytes[0] != 'x';
  auto* text = new std::string;
  text->assign(kLength, 'x');
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  observed = context != nullptr;
  return Undefined(arguments.env());
}

napi_value UseAfterFree(const Arguments& arguments) {
  int* number = new int(1);
  delete number;
  observed = *number;
  return Undefined(arguments.env());
}

napi_value Overflow(const Arguments& arguments) {
  const std::string text(kLength, 'x');
  observed = text.data()[kLength + 1];
  return Undefined(arguments.env());
}

napi_value Undefine(const Arguments& arguments) {
  observed = INT_MAX;
  observed = observed + 1;
  return Undefined(arguments.env());
}

}  // namespace

void DefinePlantedFaults(Napi::Env env, Napi::Object exports, Environment& environment) {
  Napi::Object faults = Napi::Object::New(env);
  ExportCalls(env, faults,
              {
                  CallProperty("leak", FunctionCallback<Leak>, environment),
                  CallProperty("useAfterFree", FunctionCallback<UseAfterFree>, environment),
                  CallProperty("overflow", FunctionCallback<Overflow>, environment),
                  CallProperty("undefinedBehavior", FunctionCallback<Undefine>, environment),
              });
  // Not enumerable: the exports that can be listed are those of the contract, here as everywhere.
  exports.DefineProperty(Napi::PropertyDescriptor::Value("plantedFaults", faults, napi_default));
}

}  // namespace sluice
