// What a session says of its handshake and its peer, as JavaScript values. Rule: reads only.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

namespace sluice {

/// `NativeEarlyData` of the contract.
const char* TlsEarlyData(const SSL* ssl);

/// `NativeTlsInfo` of the contract; the handshake must be complete, or a server's that takes early
/// data. `resumed` is for the session to know.
Napi::Object TlsInfo(Napi::Env env, const SSL* ssl, bool resumed);

/// Appends the DER of `certificate`, as a Buffer; false when it cannot be encoded.
bool AppendDer(Napi::Env env, const Napi::Array& array, X509* certificate);

/// The peer's certificates, DER, leaf first.
Napi::Array TlsPeerCertificates(Napi::Env env, const SSL* ssl);

/// `{ ok, name, reason }` of the X.509 verification.
Napi::Object TlsVerifyResult(Napi::Env env, const SSL* ssl);

}  // namespace sluice
