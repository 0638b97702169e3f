// TLS 1.2 renegotiation of one session whose context allows it (RFC 5246 section 7.4.1.1). Rule: it
// renews keys and changes nothing else: who the peer is and what both speak stays, or the session
// ends.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "openssl_ptr.h"

namespace sluice {

/// How many renegotiations a peer may have in a window of time; none by default.
struct RenegotiationLimit {
  uint32_t count = 0;
  std::chrono::milliseconds window{0};
};

class Renegotiation {
 public:
  /// Ends the session over what OpenSSL sees nothing wrong with; takes a literal.
  using Abort = std::function<void(const char* reason)>;

  /// Whether it is safe on a session whose handshake is complete: bound to the handshake before it
  /// (RFC 5746), whose master secret nobody else can have (RFC 7627: the triple handshake).
  static bool IsSafe(const SSL* ssl);

  /// Allows it from now on. `ssl`, whose handshake is complete, must outlive this object.
  Renegotiation(SSL* ssl, RenegotiationLimit limit, Abort abort);
  Renegotiation(const Renegotiation&) = delete;
  Renegotiation& operator=(const Renegotiation&) = delete;

  /// A handshake message of the peer's came. Whether it begins a renegotiation that is let go on;
  /// one too many is refused, and the session ends.
  bool Note(const uint8_t* message, size_t length);
  /// Whether one has begun or is due, and is not complete.
  bool IsUnderWay() const;
  /// To be asked after a call: OpenSSL does not tell inside of one.
  bool StaysSafe() const { return IsUnderWay() || IsSafe(ssl_); }
  /// Those that are complete.
  uint32_t count() const { return count_; }

 private:
  static void OnState(const SSL* ssl, int where, int value) noexcept;

  void Conclude();
  bool IsWithinLimit();
  bool KeepsPeer() const;

  SSL* const ssl_;
  const RenegotiationLimit limit_;
  const Abort abort_;
  /// What the first handshake settled; null where the peer has no certificate.
  const X509Ptr peer_;
  const long verification_;
  const std::string alpn_;
  const std::string psk_identity_;
  uint32_t count_ = 0;
  uint32_t begun_in_window_ = 0;
  std::chrono::steady_clock::time_point window_start_{};
};

}  // namespace sluice
