// PKCS #12 (RFC 7292): a certificate, its issuers and its key in one file. Rule: what comes out is
// in the order of a chain, whatever order the file had.
#pragma once

#include <vector>

#include "openssl_ptr.h"
#include "pem.h"

namespace sluice {

struct Pkcs12Result {
  enum class Outcome {
    kRead,
    kMalformed,
    /// The passphrase is missing or wrong.
    kLocked,
    /// It opens and does not decrypt: with an algorithm of old, as a rule.
    kUnreadable,
    kNoKey,
    /// None for its key.
    kNoCertificate,
  };

  Outcome outcome;
  PkeyPtr key{};
  /// Leaf first, then its issuers, without a root; certificates that do not lead up from the leaf
  /// are left out.
  std::vector<X509Ptr> chain{};
};

/// Reads the DER bytes of a file; `passphrase` may be null. OpenSSL's queue has the reason of a
/// failure.
Pkcs12Result ReadPkcs12(const SecretText& der, const SecretText* passphrase);

}  // namespace sluice
