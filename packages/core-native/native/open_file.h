// Opening files, within a folder where one is given: the name decides nothing, for the kernel
// itself refuses to leave the folder while it resolves it (openat2(2), RESOLVE_BENEATH). Rule: on
// the loop's thread only what the kernel answers out of its caches; the rest on a thread of libuv's
// pool.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

/// `openFile` and `openFileLater` of the contract.
void DefineOpenFileCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
