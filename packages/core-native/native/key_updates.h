// KeyUpdates of one session (RFC 8446 section 4.6.3): how many, and how fast. Rule: each one costs
// the receiver a derivation of keys, so nobody may have it done at will (P23).
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

class KeyUpdates {
 public:
  void OnSent() { ++sent_; }
  /// False when there are too many at once. A peer that follows the limits of its cipher needs one
  /// for some hundred gigabytes.
  bool OnReceived();

  /// The peer was asked for an update, which it may put off until it has something to say.
  void OnRequested() { awaited_ = true; }
  bool IsAwaited() const { return awaited_; }

  uint32_t sent() const { return sent_; }
  uint32_t received() const { return received_; }

 private:
  uint32_t sent_ = 0;
  uint32_t received_ = 0;
  uint32_t received_in_window_ = 0;
  bool awaited_ = false;
  std::chrono::steady_clock::time_point window_start_{};
};

}  // namespace sluice
