// PEM text to certificates, keys and CRLs. Rule: nothing here ever asks a terminal; OpenSSL's
// default passphrase callback does.
#pragma once

#include <openssl/crypto.h>

#include <string>
#include <vector>

#include "openssl_ptr.h"

namespace sluice {

/// Text that may hold a key or a passphrase: wiped when let go, not to be found in freed memory.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(SecretText&&) = default;
  SecretText& operator=(SecretText&&) = default;
  ~SecretText() { OPENSSL_cleanse(text_.data(), text_.capacity()); }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Every certificate in `pem`, in order; `CERTIFICATE`, `X509 CERTIFICATE` and `TRUSTED
/// CERTIFICATE` blocks, others are skipped. False when there is none or one does not parse;
/// OpenSSL's queue tells which.
bool ReadCertificates(const std::string& pem, std::vector<X509Ptr>& certificates);

/// Every CRL in `pem`, as above.
bool ReadCrls(const std::string& pem, std::vector<X509CrlPtr>& crls);

struct KeyResult {
  PkeyPtr key;
  /// Whether the text is encrypted, so that a missing or wrong passphrase can be told from a broken
  /// key.
  bool encrypted = false;
};

/// The private key in `pem`; `passphrase` may be null.
KeyResult ReadPrivateKey(const SecretText& pem, const SecretText* passphrase);

}  // namespace sluice
