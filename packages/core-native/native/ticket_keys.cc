// See ticket_keys.h.
#include "ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "arguments.h"

namespace sluice {

namespace {

/// What the callback answers (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)).
enum Answer : int { kError = -1, kNoKey = 0, kUse = 1, kUseAndRenew = 2 };

// Encrypt-then-MAC with two independent keys, as RFC 5077 section 4 recommends. OpenSSL calculates
// the MAC by itself in any case, so that an AEAD would only be a second one.
bool Prepare(const TicketKey& key, const unsigned char* iv, bool seal, EVP_CIPHER_CTX* cipher,
             EVP_MAC_CTX* mac) {
  // Fetched once: to look it up costs more than to use it.
  static const EVP_CIPHER* const aes = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  auto* digest = const_cast<char*>("SHA256");
  auto* secret = const_cast<unsigned char*>(key.hmac.data());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return aes != nullptr && EVP_MAC_CTX_set_params(mac, parameters) == 1 &&
         EVP_CipherInit_ex2(cipher, aes, key.aes.data(), iv, seal ? 1 : 0, nullptr) == 1;
}

int Seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  TicketKey key;
  if (!TicketKeys::OfProcess().Current(key) || RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
    return kError;
  std::memcpy(name, key.name.data(), key.name.size());
  return Prepare(key, iv, true, cipher, mac) ? kUse : kError;
}

int Open(const SSL* ssl, const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) {
  TicketKey key;
  bool current = false;
  if (!TicketKeys::OfProcess().Find(name, key, current)) return kNoKey;
  if (!Prepare(key, iv, false, cipher, mac)) return kError;
  // A client uses a ticket of TLS 1.3 once (RFC 8446 appendix C.4) and needs another one each time.
  return current && SSL_version(ssl) < TLS1_3_VERSION ? kUse : kUseAndRenew;
}

int OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, int encrypt) {
  return encrypt != 0 ? Seal(name, iv, cipher, mac) : Open(ssl, name, iv, cipher, mac);
}

TicketKey ReadKey(const unsigned char* bytes) {
  TicketKey key;
  std::memcpy(key.name.data(), bytes, key.name.size());
  std::memcpy(key.aes.data(), bytes + 16, key.aes.size());
  std::memcpy(key.hmac.data(), bytes + 48, key.hmac.size());
  return key;
}

[[noreturn]] void ThrowRange(napi_env env, const char* message) {
  Napi::RangeError error = Napi::RangeError::New(env, message);
  error.Set("code", "ERR_OUT_OF_RANGE");
  throw error;
}

napi_value RotateTicketKeys(const Arguments& arguments) {
  const std::chrono::milliseconds min_age(arguments.Int(0, "minAgeMs", 0, INT32_MAX));
  return Napi::Boolean::New(arguments.env(), TicketKeys::OfProcess().Rotate(min_age));
}

napi_value SetTicketKeys(const Arguments& arguments) {
  const ByteRange range = arguments.Bytes(0);
  if (range.length % TicketKey::kBytes != 0 ||
      range.length > TicketKeys::kMaxKeys * TicketKey::kBytes) {
    ThrowRange(arguments.env(), "\"length\" must be 80 bytes for each of 1 to 16 keys");
  }
  std::vector<TicketKey> keys;
  for (size_t at = 0; at < range.length; at += TicketKey::kBytes) {
    keys.push_back(ReadKey(range.data + at));
  }
  for (const TicketKey& key : keys) {
    const auto is_namesake = [&](const TicketKey& other) { return other.name == key.name; };
    if (std::count_if(keys.begin(), keys.end(), is_namesake) > 1) {
      ThrowRange(arguments.env(), "Each ticket key must begin with 16 bytes of its own");
    }
  }
  TicketKeys::OfProcess().Set(keys);
  return Undefined(arguments.env());
}

napi_value ExportTicketKeys(const Arguments& arguments) {
  const std::vector<TicketKey> keys = TicketKeys::OfProcess().Export();
  const auto buffer =
      Napi::Buffer<unsigned char>::New(arguments.env(), keys.size() * TicketKey::kBytes);
  unsigned char* to = buffer.Data();
  for (const TicketKey& key : keys) {
    to = std::copy(key.name.begin(), key.name.end(), to);
    to = std::copy(key.aes.begin(), key.aes.end(), to);
    to = std::copy(key.hmac.begin(), key.hmac.end(), to);
  }
  return buffer;
}

napi_value KeepTicketKeys(const Arguments& arguments) {
  TicketKeys::OfProcess().KeepPrevious(static_cast<size_t>(
      arguments.Int(0, "previous", 0, static_cast<int32_t>(TicketKeys::kMaxKeys) - 1)));
  return Undefined(arguments.env());
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(aes.data(), aes.size());
  OPENSSL_cleanse(hmac.data(), hmac.size());
}

TicketKeys& TicketKeys::OfProcess() {
  static TicketKeys* const ring = new TicketKeys;
  return *ring;
}

bool TicketKeys::Rotate(std::chrono::milliseconds min_age) {
  const std::lock_guard lock(mutex_);
  // Nothing has been sealed yet: that the first key is yet to be made is as good as a new one.
  if (keys_.empty() || std::chrono::steady_clock::now() - since_ < min_age) return false;
  return AddKey();
}

void TicketKeys::Set(const std::vector<TicketKey>& keys) {
  const std::lock_guard lock(mutex_);
  keys_ = keys;
  since_ = std::chrono::steady_clock::now();
}

std::vector<TicketKey> TicketKeys::Export() {
  const std::lock_guard lock(mutex_);
  if (keys_.empty()) AddKey();
  return keys_;
}

void TicketKeys::KeepPrevious(size_t count) {
  const std::lock_guard lock(mutex_);
  previous_ = count;
  Trim();
}

bool TicketKeys::Current(TicketKey& key) {
  const std::lock_guard lock(mutex_);
  if (keys_.empty() && !AddKey()) return false;
  key = keys_.front();
  return true;
}

bool TicketKeys::Find(const unsigned char* name, TicketKey& key, bool& current) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const TicketKey& candidate) {
    return std::memcmp(candidate.name.data(), name, candidate.name.size()) == 0;
  });
  if (found == keys_.end()) return false;
  key = *found;
  current = found == keys_.begin();
  return true;
}

bool TicketKeys::AddKey() {
  TicketKey key;
  if (RAND_bytes(key.name.data(), key.name.size()) != 1 ||
      RAND_priv_bytes(key.aes.data(), key.aes.size()) != 1 ||
      RAND_priv_bytes(key.hmac.data(), key.hmac.size()) != 1) {
    return false;
  }
  keys_.insert(keys_.begin(), key);
  since_ = std::chrono::steady_clock::now();
  Trim();
  return true;
}

void TicketKeys::Trim() {
  if (keys_.size() > previous_ + 1) keys_.resize(previous_ + 1);
}

bool UseTicketKeys(SSL_CTX* context) {
  return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OnTicketKey) == 1;
}

void DefineTicketKeyCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("rotateTicketKeys", FunctionCallback<RotateTicketKeys>, environment),
                  CallProperty("setTicketKeys", FunctionCallback<SetTicketKeys>, environment),
                  CallProperty("exportTicketKeys", FunctionCallback<ExportTicketKeys>, environment),
                  CallProperty("keepTicketKeys", FunctionCallback<KeepTicketKeys>, environment),
              });
}

}  // namespace sluice
