// Secrets of a session for a debugger, in the format of SSLKEYLOGFILE. Rule: only where the context
// was made for it; nothing of the environment turns it on.
#pragma once

#include <napi.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace sluice {

/// Lines that OpenSSL has written and nobody has taken; they wait until the call into it is over,
/// so that no JavaScript runs inside (P21).
using KeyLog = std::vector<std::string>;

/// Has sessions of the context write to their log.
void WriteKeyLogs(SSL_CTX* context);

/// Ties a log, which must outlive it, to the session.
void SetKeyLog(SSL* ssl, KeyLog* log);

/// An array of the lines, without line ends; the log is empty then.
Napi::Array TakeKeyLog(Napi::Env env, KeyLog& log);

}  // namespace sluice
