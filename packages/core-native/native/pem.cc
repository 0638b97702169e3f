// See pem.h.
#include "pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <climits>
#include <cstring>

namespace sluice {

namespace {

struct PassphraseRequest {
  const SecretText* passphrase;
  bool asked = false;
};

/// pem_password_cb: the answer of -1 is an error, 0 would be an empty passphrase.
int AnswerPassphrase(char* buffer, int size, int /*for_writing*/, void* data) {
  auto* request = static_cast<PassphraseRequest*>(data);
  request->asked = true;
  if (request->passphrase == nullptr) return -1;
  const std::string& text = request->passphrase->text();
  // Cutting it would turn "too long" into "wrong".
  if (size < 0 || text.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

/// A certificate is not encrypted; should a text claim to be, nobody is asked.
int RefusePassphrase(char*, int, int, void*) { return -1; }

BioPtr MemoryBio(const std::string& text) {
  return BioPtr(
      BIO_new_mem_buf(text.data(), static_cast<int>(std::min<size_t>(text.size(), INT_MAX))));
}

/// PEM_read_bio_* ends every text with "no start line": the only way to tell the end from a broken
/// block.
bool AtEndOfText() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// All that `Read`, one of PEM_read_bio_*, finds in `pem`.
template <auto Read, typename Pointer>
bool ReadBlocks(const std::string& pem, std::vector<Pointer>& blocks) {
  const BioPtr bio = MemoryBio(pem);
  const size_t before = blocks.size();
  while (auto* block = Read(bio.get(), nullptr, RefusePassphrase, nullptr)) {
    blocks.emplace_back(block);
  }
  if (blocks.size() == before || !AtEndOfText()) return false;
  ERR_clear_error();
  return true;
}

}  // namespace

bool ReadCertificates(const std::string& pem, std::vector<X509Ptr>& certificates) {
  return ReadBlocks<PEM_read_bio_X509_AUX>(pem, certificates);
}

bool ReadCrls(const std::string& pem, std::vector<X509CrlPtr>& crls) {
  return ReadBlocks<PEM_read_bio_X509_CRL>(pem, crls);
}

KeyResult ReadPrivateKey(const SecretText& pem, const SecretText* passphrase) {
  const BioPtr bio = MemoryBio(pem.text());
  PassphraseRequest request{passphrase};
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, AnswerPassphrase, &request));
  return {std::move(key), request.asked};
}

}  // namespace sluice
