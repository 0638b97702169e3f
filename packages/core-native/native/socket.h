// The socket calls of the contract, as exports. Rule: sockets are born non-blocking and
// close-on-exec, in the call that makes them: a flag set later races with a fork of another thread.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineSocketCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
