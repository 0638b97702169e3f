// See client_sessions.h.
#include "client_sessions.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace sluice {

namespace {

// As many connections to one server as begin at once without one of them going without.
constexpr size_t kMaxPerKey = 8;

bool IsOfferable(const SSL_SESSION* session) {
  // OpenSSL itself offers a ticket of TLS 1.2 for as long as it is given one.
  return SSL_SESSION_is_resumable(session) == 1 &&
         std::time(nullptr) < SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
}

bool MayBeUsedAgain(const SSL_SESSION* session) {
  return SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION;
}

}  // namespace

void ClientSessions::Put(const std::string& key, SslSessionPtr session) {
  if (!IsOfferable(session.get())) return;
  const size_t room = MayBeUsedAgain(session.get()) ? 1 : kMaxPerKey;
  for (auto found = by_key_.find(key); found != by_key_.end() && found->second.size() >= room;
       found = by_key_.find(key)) {
    Remove(found->second.front());
  }
  entries_.push_back({key, std::move(session)});
  by_key_[key].push_back(std::prev(entries_.end()));
  if (entries_.size() <= capacity_) return;
  Remove(entries_.begin());
  ++evicted_;
}

SslSessionPtr ClientSessions::Take(const std::string& key) {
  for (auto found = by_key_.find(key); found != by_key_.end(); found = by_key_.find(key)) {
    const Place newest = found->second.back();
    SSL_SESSION* session = newest->session.get();
    const bool offerable = IsOfferable(session);
    // Shared from here on; OpenSSL counts who holds it.
    SslSessionPtr taken(offerable && SSL_SESSION_up_ref(session) == 1 ? session : nullptr);
    if (!taken || !MayBeUsedAgain(session)) Remove(newest);
    if (!taken) continue;
    ++hits_;
    return taken;
  }
  ++misses_;
  return nullptr;
}

void ClientSessions::Remove(Place place) {
  const auto found = by_key_.find(place->key);
  std::erase(found->second, place);
  if (found->second.empty()) by_key_.erase(found);
  entries_.erase(place);
}

}  // namespace sluice
