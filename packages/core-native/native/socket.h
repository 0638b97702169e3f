// The calls of the contract on sockets that are there already, accept among them. Rule: an accepted
// socket is non-blocking and close-on-exec from birth, as those of open_socket.h are.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineSocketCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
