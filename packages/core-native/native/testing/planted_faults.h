// Mistakes made on purpose, so that each run with sanitizers proves that it would see a real one.
// Rule: compiled only where SLUICE_SANITIZE is set; never part of a binary that is shipped.
#pragma once

#include <napi.h>

namespace sluice {

class Environment;

/// Exports `plantedFaults`: an object with one function for each mistake.
void DefinePlantedFaults(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
