// See pkcs12.h.
#include "pkcs12.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <utility>

namespace sluice {

namespace {

using Outcome = Pkcs12Result::Outcome;

Pkcs12Ptr Parse(const std::string& der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  return Pkcs12Ptr(d2i_PKCS12(nullptr, &bytes, static_cast<long>(der.size())));
}

bool WrongPassphrase() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PKCS12 &&
         ERR_GET_REASON(error) == PKCS12_R_MAC_VERIFY_FAILURE;
}

/// Takes the issuer of `certificate` out of `stack`; null where there is none, or where it is the
/// certificate itself.
X509Ptr TakeIssuer(STACK_OF(X509) * stack, X509* certificate) {
  if (X509_check_issued(certificate, certificate) == X509_V_OK) return nullptr;
  for (int index = 0; index < sk_X509_num(stack); ++index) {
    X509* candidate = sk_X509_value(stack, index);
    if (X509_check_issued(candidate, certificate) != X509_V_OK) continue;
    return X509Ptr(sk_X509_delete(stack, index));
  }
  return nullptr;
}

/// From `leaf` up, without a root: whoever trusts it has it (RFC 8446 section 4.4.2).
std::vector<X509Ptr> ChainUpFrom(X509Ptr leaf, STACK_OF(X509) * others) {
  std::vector<X509Ptr> chain;
  chain.push_back(std::move(leaf));
  while (X509Ptr issuer = TakeIssuer(others, chain.back().get())) {
    if (X509_check_issued(issuer.get(), issuer.get()) == X509_V_OK) break;
    chain.push_back(std::move(issuer));
  }
  return chain;
}

}  // namespace

Pkcs12Result ReadPkcs12(const SecretText& der, const SecretText* passphrase) {
  const Pkcs12Ptr file = Parse(der.text());
  if (!file) return {Outcome::kMalformed};
  EVP_PKEY* raw_key = nullptr;
  X509* raw_leaf = nullptr;
  STACK_OF(X509)* raw_others = nullptr;
  // Without a passphrase both kinds of an empty one are tried (PKCS12_parse(3)).
  const int parsed =
      PKCS12_parse(file.get(), passphrase == nullptr ? nullptr : passphrase->text().c_str(),
                   &raw_key, &raw_leaf, &raw_others);
  PkeyPtr key(raw_key);
  X509Ptr leaf(raw_leaf);
  const X509StackPtr others(raw_others);
  if (parsed != 1) return {WrongPassphrase() ? Outcome::kLocked : Outcome::kUnreadable};
  ERR_clear_error();
  if (!key) return {Outcome::kNoKey};
  if (!leaf) return {Outcome::kNoCertificate};
  return {Outcome::kRead, std::move(key), ChainUpFrom(std::move(leaf), others.get())};
}

}  // namespace sluice
