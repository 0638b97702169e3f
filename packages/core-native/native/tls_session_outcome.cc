// What the handshake of a TLS session came to (tls_session.h). Rule: what OpenSSL takes for a
// success may be none here, before anything is sent.
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "session_counts.h"
#include "tls_psk.h"
#include "tls_session.h"

namespace sluice {

namespace {

// `Outcome` of src/tls-contract.ts.
constexpr int32_t kResumed = 1;
constexpr int32_t kEarlyAccepted = 2;
constexpr int32_t kEarlyRejected = 4;
constexpr int32_t kMayRenegotiate = 8;
constexpr int32_t kDry = 16;
constexpr int kResumptionShift = 5;

}  // namespace

napi_value TlsSession::Outcome(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  SSL* ssl = ssl_.get();
  const int early = SSL_get_early_data_status(ssl);
  int32_t outcome = static_cast<int32_t>(ResumptionOf(ssl, used_psk_)) << kResumptionShift;
  if (IsResumed()) outcome |= kResumed;
  if (early == SSL_EARLY_DATA_ACCEPTED) outcome |= kEarlyAccepted;
  if (early == SSL_EARLY_DATA_REJECTED) outcome |= kEarlyRejected;
  if (renegotiation_) outcome |= kMayRenegotiate;
  if (socket_->dry() && SSL_has_pending(ssl) == 0) outcome |= kDry;
  return Integer(arguments.env(), outcome);
}

void TlsSession::OnHandshaken() {
  used_psk_ = SettlePsk(ssl_.get());
  if (kernel_ != nullptr) SettleKernelTls();
  if (resumption_) resumption_->OnHandshaken();
  if (!core_->server && core_->psk && core_->psk->is_required() && !PskIdentityOf(ssl_.get())) {
    failure_ = std::make_unique<Failure>(
        Failure::Tls("SSL_do_handshake", "the peer does not take the key (PSK) that it has to"));
  }
  if (!failure_) AllowRenegotiation();
}

void TlsSession::ExplainHandshake() {
  if (!core_->server || !served().psk || !served().identities.empty()) return;
  const int reason = ERR_GET_REASON(failure_->errors.first);
  if (ERR_GET_LIB(failure_->errors.first) != ERR_LIB_SSL) return;
  // What is left to a server without a certificate, and cannot be, in TLS 1.3 and 1.2.
  if (reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM || reason == SSL_R_NO_SHARED_CIPHER)
    failure_->Explain("the peer offers no key (PSK) that is known here");
}

}  // namespace sluice
