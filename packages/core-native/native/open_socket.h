// The calls of the contract that make a socket, or take one over. Rule: sockets are born
// non-blocking and close-on-exec, in the call that makes them: a flag set later races with a fork
// of another thread. One that fails half-way is closed.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineOpenCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
