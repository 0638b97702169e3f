// The ring of session ticket keys (RFC 5077 section 4): one for all contexts of all threads of the
// process. Rule: the first key seals, all of them open, and what falls out of the ring is wiped.
#pragma once

#include <napi.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "environment.h"

namespace sluice {

struct TicketKey {
  static constexpr size_t kBytes = 80;

  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();

  /// Tells the keys apart; in the clear at the beginning of each ticket.
  std::array<unsigned char, 16> name{};
  std::array<unsigned char, 32> aes{};
  std::array<unsigned char, 32> hmac{};
};

class TicketKeys {
 public:
  static constexpr size_t kMaxKeys = 16;

  /// The ring of this process. Never destroyed: threads may still be at work when it exits.
  static TicketKeys& OfProcess();

  /// Puts a random key first, unless the present one is younger than `min_age`; false then, and
  /// when there was no randomness. The first key of all is made when first needed.
  bool Rotate(std::chrono::milliseconds min_age);
  /// Replaces all keys; the first one seals.
  void Set(const std::vector<TicketKey>& keys);
  std::vector<TicketKey> Export();
  /// How many keys beside the first go on opening.
  void KeepPrevious(size_t count);

  /// The key that seals; false when there was no randomness to make one.
  bool Current(TicketKey& key);
  /// Finds the key called `name`; `current` tells whether it is the one that seals.
  bool Find(const unsigned char* name, TicketKey& key, bool& current);

 private:
  bool AddKey();
  void Trim();

  std::mutex mutex_;
  std::vector<TicketKey> keys_;
  size_t previous_ = 2;
  std::chrono::steady_clock::time_point since_;
};

/// Makes the tickets of a server's context open and close with the keys of the process.
bool UseTicketKeys(SSL_CTX* context);

/// `rotateTicketKeys`, `setTicketKeys`, `exportTicketKeys` and `keepTicketKeys` of the contract.
void DefineTicketKeyCalls(Napi::Env env, Napi::Object exports, Environment& environment);

}  // namespace sluice
