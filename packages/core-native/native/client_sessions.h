// Sessions that a client's context keeps to offer again. Rule: bounded, the least recently added
// goes first; a session of TLS 1.3 is given out once (RFC 8446 appendix C.4).
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "openssl_ptr.h"

namespace sluice {

class ClientSessions {
 public:
  struct Stats {
    size_t kept;
    uint64_t hits;
    uint64_t misses;
    uint64_t evicted;
  };

  explicit ClientSessions(size_t capacity) : capacity_(capacity) {}

  /// Keeps a session for who asks for `key` next. One of TLS 1.2 replaces what was there.
  void Put(const std::string& key, SslSessionPtr session);
  /// The newest session under `key` that can be resumed, or null.
  SslSessionPtr Take(const std::string& key);
  Stats stats() const { return {entries_.size(), hits_, misses_, evicted_}; }

 private:
  struct Entry {
    std::string key;
    SslSessionPtr session;
  };
  using Place = std::list<Entry>::iterator;

  void Remove(Place place);

  const size_t capacity_;
  /// Oldest first.
  std::list<Entry> entries_;
  /// The same under their keys, oldest first.
  std::unordered_map<std::string, std::vector<Place>> by_key_;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
  uint64_t evicted_ = 0;
};

}  // namespace sluice
