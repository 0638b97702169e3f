// Names of cipher suites. Rule: the standard's (IANA), as OpenSSL knows them; what it does not know
// has none.
#pragma once

#include <napi.h>

namespace sluice {

/// Every suite of the linked OpenSSL, its number mapped to its name.
Napi::Object CipherSuiteNames(Napi::Env env);

}  // namespace sluice
