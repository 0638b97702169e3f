// See renegotiation.h.
#include "renegotiation.h"

#include <new>
#include <utility>

#include "tls_psk.h"

namespace sluice {

namespace {

int Index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string AlpnOf(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

}  // namespace

bool Renegotiation::IsSafe(const SSL* ssl) {
  auto* session = const_cast<SSL*>(ssl);
  return SSL_version(ssl) == TLS1_2_VERSION && SSL_get_secure_renegotiation_support(session) == 1 &&
         SSL_get_extms_support(session) == 1;
}

Renegotiation::Renegotiation(SSL* ssl, RenegotiationLimit limit, Abort abort)
    : ssl_(ssl),
      limit_(limit),
      abort_(std::move(abort)),
      peer_(SSL_get1_peer_certificate(ssl)),
      verification_(SSL_get_verify_result(ssl)),
      alpn_(AlpnOf(ssl)),
      psk_identity_(PskIdentityOf(ssl).value_or("")) {
  // Without memory for it nothing is allowed.
  if (SSL_set_ex_data(ssl, Index(), this) != 1) return;
  SSL_set_info_callback(ssl, OnState);
  SSL_clear_options(ssl, SSL_OP_NO_RENEGOTIATION);
  // OpenSSL from 3.0 on refuses a client's otherwise.
  SSL_set_options(ssl, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
}

bool Renegotiation::Note(const uint8_t* message, size_t length) {
  if (length == 0) return false;
  // One that comes in the middle of a handshake is passed over (RFC 5246 section 7.4.1.1).
  const bool asks = message[0] == SSL3_MT_HELLO_REQUEST &&
                    SSL_get_state(ssl_) == TLS_ST_CR_HELLO_REQ &&
                    SSL_renegotiate_pending(ssl_) == 0;
  if (!asks && message[0] != SSL3_MT_CLIENT_HELLO) return false;
  if (IsWithinLimit()) return true;
  // The peer is told no_renegotiation (RFC 5246 section 7.2.2), and nothing is computed for it.
  SSL_set_options(ssl_, SSL_OP_NO_RENEGOTIATION);
  abort_("the peer renegotiates too often");
  return false;
}

bool Renegotiation::IsUnderWay() const {
  return SSL_is_init_finished(ssl_) == 0 || SSL_renegotiate_pending(ssl_) == 1;
}

bool Renegotiation::IsWithinLimit() {
  const auto now = std::chrono::steady_clock::now();
  if (begun_in_window_ == 0 || now - window_start_ >= limit_.window) {
    window_start_ = now;
    begun_in_window_ = 0;
  }
  return ++begun_in_window_ <= limit_.count;
}

/// SSL_CTX_set_info_callback(3).
void Renegotiation::OnState(const SSL* ssl, int where, int /*value*/) noexcept {
  if (where != SSL_CB_HANDSHAKE_DONE) return;
  auto* self = static_cast<Renegotiation*>(SSL_get_ex_data(ssl, Index()));
  // One that was refused ends here, too.
  if (self == nullptr || (SSL_get_options(ssl) & SSL_OP_NO_RENEGOTIATION) != 0) return;
  try {
    self->Conclude();
  } catch (const std::bad_alloc&) {
    self->abort_("the peer became another one by renegotiation");
  }
}

void Renegotiation::Conclude() {
  ++count_;
  if (!KeepsPeer()) return abort_("the peer became another one by renegotiation");
  // OpenSSL's clients offer none again, which leaves it as it was.
  const std::string alpn = AlpnOf(ssl_);
  if (!alpn.empty() && alpn != alpn_)
    abort_("the application protocol became another one by renegotiation");
}

bool Renegotiation::KeepsPeer() const {
  const X509* peer = SSL_get0_peer_certificate(ssl_);
  if ((peer == nullptr) != (peer_ == nullptr)) return false;
  if (peer != nullptr &&
      (X509_cmp(peer, peer_.get()) != 0 || SSL_get_verify_result(ssl_) != verification_))
    return false;
  return PskIdentityOf(ssl_).value_or("") == psk_identity_;
}

}  // namespace sluice
