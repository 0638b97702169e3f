// Receives and sends of several sockets in one call of JavaScript: recvMany, sendMany and failAgain
// of the contract. Rule: each socket has its own outcome, and what does not fit is refused before
// any of them is touched.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineBatchCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
