// The calls of the contract on files that are sent. Rule: nothing here waits for a disk but
// `sendFile`, which is called for what is in the page cache.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

void DefineFileCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
