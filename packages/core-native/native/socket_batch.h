// Receives and sends of several sockets and TLS sessions in one call of JavaScript: recvMany,
// sendMany and failAgain of the contract. Rule: each has its own outcome, and what does not fit is
// refused before any of them is touched.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineBatchCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
