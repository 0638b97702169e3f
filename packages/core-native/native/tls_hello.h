// What a server's session decides once the ClientHello is there: which context serves it, or that
// none does. Rule: no JavaScript runs inside OpenSSL (P21). What JavaScript has to decide suspends
// the handshake (SSL_CTX_set_client_hello_cb(3)) until the answer is brought.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tls_context.h"
#include "tls_names.h"

namespace sluice {

class HelloChoice {
 public:
  struct Manner {
    /// The handshake is suspended once the ClientHello is there.
    bool suspends;
    /// Whether early data is taken where the context that serves takes some.
    bool takes_early_data;
  };

  /// Without an answer: what `names` (may be null) has for the servername, else `base`.
  HelloChoice(std::shared_ptr<const TlsContextCore> base, std::shared_ptr<const NameTable> names,
              Manner manner);

  /// Binds it to the session, which it must outlive. False for lack of memory.
  bool Attach(SSL* ssl);

  /// A handshake message of the peer's came (SSL_set_msg_callback(3)).
  void Note(const void* message, size_t length) noexcept;
  /// The ClientHello, handshake header included; empty unless the handshake is suspended.
  const std::vector<uint8_t>& message() const { return message_; }
  /// Whether an answer is awaited.
  bool suspended() const { return state_ == State::kSuspended; }
  /// Whose settings hold: the session's own context, or the one that took its place.
  const TlsContextCore& served() const { return chosen_ ? *chosen_ : *base_; }

  /// Answers: `core`, or for null what would have been chosen without being asked.
  void Choose(std::shared_ptr<const TlsContextCore> core);
  /// Answers: nobody; `alert` is what the peer is told (RFC 8446 section 6.2).
  void Refuse(int alert);

  /// For the callback: SSL_CLIENT_HELLO_SUCCESS, _ERROR with `alert` set, or _RETRY.
  int Decide(SSL* ssl, int* alert) noexcept;

 private:
  enum class State { kAwaited, kSuspended, kAnswered, kRefused, kDecided };

  int Serve(SSL* ssl, int* alert) noexcept;
  void Answer(State state);

  const std::shared_ptr<const TlsContextCore> base_;
  const std::shared_ptr<const NameTable> names_;
  /// Kept for the session's life: OpenSSL's callbacks read it.
  std::shared_ptr<const TlsContextCore> chosen_;
  std::vector<uint8_t> message_;
  State state_ = State::kAwaited;
  const Manner manner_;
  int refusal_ = 0;
};

/// Makes sessions of a server's context ask their HelloChoice; those without one go on unasked.
void AskHelloChoice(SSL_CTX* context);

}  // namespace sluice
