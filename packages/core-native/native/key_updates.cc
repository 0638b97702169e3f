// See key_updates.h.
#include "key_updates.h"

namespace sluice {

namespace {

constexpr uint32_t kMaxInWindow = 256;
constexpr std::chrono::minutes kWindow(1);

}  // namespace

bool KeyUpdates::OnReceived() {
  ++received_;
  awaited_ = false;
  const auto now = std::chrono::steady_clock::now();
  if (received_ == 1 || now - window_start_ >= kWindow) {
    window_start_ = now;
    received_in_window_ = 0;
  }
  return ++received_in_window_ <= kMaxInWindow;
}

}  // namespace sluice
