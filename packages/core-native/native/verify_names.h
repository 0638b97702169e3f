// Names of X.509 verification results; OpenSSL itself has only sentences. Rule: the macro's own
// name, so that it can be looked up in X509_STORE_CTX_get_error(3).
#pragma once

namespace sluice {

/// `X509_V_ERR_CERT_HAS_EXPIRED` and so on; `X509_V_ERR_UNSPECIFIED` for a code that is newer than
/// this table.
const char* VerifyName(long code);

}  // namespace sluice
