// See tls_hello.h.
#include "tls_hello.h"

#include <openssl/tls1.h>

#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "tls_switch.h"

namespace sluice {

namespace {

/// Where a session keeps its choice. One number for the process, made by whoever comes first.
int Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int OnClientHello(SSL* ssl, int* alert, void*) noexcept {
  auto* choice = static_cast<HelloChoice*>(SSL_get_ex_data(ssl, Index()));
  return choice == nullptr ? SSL_CLIENT_HELLO_SUCCESS : choice->Decide(ssl, alert);
}

/// The host_name of the server_name extension (RFC 6066 section 3). Nothing when it is not there;
/// nor when it is malformed, which OpenSSL itself refuses a moment later.
std::optional<std::string_view> Servername(SSL* ssl) {
  const unsigned char* data = nullptr;
  size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &length) != 1)
    return std::nullopt;
  // List length, name type, name length; a list holds one host_name.
  constexpr size_t kHead = 5;
  if (length < kHead || data[2] != TLSEXT_NAMETYPE_host_name) return std::nullopt;
  const size_t name_length = static_cast<size_t>(data[3]) << 8 | data[4];
  if (name_length > length - kHead) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(data) + kHead, name_length);
}

}  // namespace

HelloChoice::HelloChoice(std::shared_ptr<const TlsContextCore> base,
                         std::shared_ptr<const NameTable> names, Manner manner)
    : base_(std::move(base)), names_(std::move(names)), manner_(manner) {}

bool HelloChoice::Attach(SSL* ssl) { return SSL_set_ex_data(ssl, Index(), this) == 1; }

void HelloChoice::Note(const void* message, size_t length) noexcept {
  if (!manner_.suspends || state_ != State::kAwaited) return;
  const auto* bytes = static_cast<const uint8_t*>(message);
  if (length == 0 || bytes[0] != SSL3_MT_CLIENT_HELLO) return;
  try {
    message_.assign(bytes, bytes + length);
  } catch (const std::bad_alloc&) {
    message_.clear();
  }
}

void HelloChoice::Choose(std::shared_ptr<const TlsContextCore> core) {
  chosen_ = std::move(core);
  Answer(State::kAnswered);
}

void HelloChoice::Refuse(int alert) {
  refusal_ = alert;
  Answer(State::kRefused);
}

void HelloChoice::Answer(State state) {
  state_ = state;
  message_ = {};
}

int HelloChoice::Decide(SSL* ssl, int* alert) noexcept {
  switch (state_) {
    case State::kDecided:
      // The second ClientHello, after a HelloRetryRequest: the choice stands.
      return SSL_CLIENT_HELLO_SUCCESS;
    case State::kRefused:
      *alert = refusal_;
      return SSL_CLIENT_HELLO_ERROR;
    case State::kAwaited:
      if (!manner_.suspends) break;
      // One in SSL 2.0's format has no extensions, and nothing was noted of it.
      if (message_.empty()) {
        *alert = SSL_AD_PROTOCOL_VERSION;
        return SSL_CLIENT_HELLO_ERROR;
      }
      state_ = State::kSuspended;
      return SSL_CLIENT_HELLO_RETRY;
    case State::kSuspended:
      return SSL_CLIENT_HELLO_RETRY;
    case State::kAnswered:
      break;
  }
  return Serve(ssl, alert);
}

int HelloChoice::Serve(SSL* ssl, int* alert) noexcept {
  if (!chosen_) {
    const std::optional<std::string_view> servername = Servername(ssl);
    if (servername && names_) chosen_ = names_->Find(*servername);
    if (!chosen_ && base_->chooser) {
      // Also where no name came: missing_extension (RFC 8446 section 9.2) is an alert of TLS 1.3,
      // and no version is chosen yet.
      *alert = SSL_AD_UNRECOGNIZED_NAME;
      return SSL_CLIENT_HELLO_ERROR;
    }
  }
  if (chosen_ && chosen_ != base_ && !SwitchContext(ssl, *base_, *chosen_)) {
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
  if (!manner_.takes_early_data) SSL_set_max_early_data(ssl, 0);
  state_ = State::kDecided;
  return SSL_CLIENT_HELLO_SUCCESS;
}

void AskHelloChoice(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, OnClientHello, nullptr);
}

}  // namespace sluice
