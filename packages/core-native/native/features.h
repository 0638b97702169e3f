// Versions and abilities of this binary (`NativeFeatures` of src/contract.ts). Rule: asked of the
// thing itself, never derived from a version number.
#pragma once

#include <napi.h>

namespace sluice {

Napi::Object Features(Napi::Env env);

}  // namespace sluice
