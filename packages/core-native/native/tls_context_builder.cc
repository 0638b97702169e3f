// Builds an SSL_CTX from options. Rule: each step either holds or throws with a code of the
// contract and OpenSSL's reason; OpenSSL's own habit of ignoring what it does not know ends here.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "alpn.h"
#include "openssl_library.h"
#include "tls_ciphers.h"
#include "tls_context.h"
#include "tls_hello.h"
#include "tls_identity.h"
#include "tls_keylog.h"
#include "tls_ocsp.h"
#include "tls_psk.h"
#include "tls_resumption.h"
#include "tls_trust.h"

namespace sluice {

namespace {

class Builder {
 public:
  Builder(Napi::Env env, const TlsContextOptions& options) : env_(env), options_(options) {}

  std::shared_ptr<const TlsContextCore> Build() {
    ERR_clear_error();
    if (!StartOpenSsl()) Throw("ERR_TLS_OPTION", "OpenSSL did not start");
    core_->server = options_.server;
    core_->tickets = options_.server ? options_.tickets : 0;
    core_->shared_buffers = options_.shared_buffers;
    core_->kernel_tls = options_.kernel_tls;
    core_->chooser = options_.chooser;
    core_->renegotiations = {static_cast<uint32_t>(options_.renegotiations),
                             std::chrono::milliseconds(options_.renegotiation_window_ms)};
    core_->max_early_data = static_cast<uint32_t>(options_.max_early_data);
    core_->groups = options_.groups.value_or(DefaultGroups(options_.security_level));
    core_->context.reset(SSL_CTX_new(options_.server ? TLS_server_method() : TLS_client_method()));
    if (!core_->context) Throw("ERR_TLS_OPTION", "OpenSSL made no context");
    SetBehaviour();
    UseAlgorithms(env_, context(), options_);
    if (!options_.chooser) {
      core_->identities = UseIdentities(env_, context(), options_);
      ServeStaples(context(), &core_->identities);
    }
    if (options_.request_ocsp) RequestStaple(context());
    UseTrust(env_, context(), options_);
    SetAlpn();
    UsePsk(env_, *core_, options_);
    UseResumption(env_, *core_, options_);
    core_->key_log = options_.key_log;
    if (options_.key_log) WriteKeyLogs(context());
    ERR_clear_error();
    return core_;
  }

 private:
  SSL_CTX* context() const { return core_->context.get(); }
  [[noreturn]] void Throw(const char* code, const std::string& message) const {
    ThrowTlsOption(env_, code, message);
  }

  void SetBehaviour() {
    // Partial and moving writes: a blocked write may come back from another address, and an
    // accepted part is told at once. Released buffers: an idle connection costs 33 KiB less.
    // No automatic chain: what is sent is what was given; OpenSSL would otherwise search the
    // trust store for issuers, anew in each handshake.
    SSL_CTX_set_mode(context(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
                                    SSL_MODE_NO_AUTO_CHAIN);
    // Where renegotiation is allowed, it is so by the session, once that is known to be safe.
    // SSL_OP_IGNORE_UNEXPECTED_EOF stays off: a cut stream must not look like an ended one (P26).
    SSL_CTX_set_options(context(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_NO_COMPRESSION);
    if (options_.server) AskHelloChoice(context());
  }

  void SetAlpn() {
    core_->alpn = EncodeAlpn(options_.alpn);
    if (core_->alpn.empty() && !options_.alpn.empty())
      Throw("ERR_TLS_OPTION", "\"alpn\" must hold names of 1 to 255 bytes, 65535 in all");
    if (options_.server) return SelectAlpn(context(), &core_->alpn);
    if (core_->alpn.empty()) return;
    // 0 is success here, unlike anywhere else in the library (SSL_CTX_set_alpn_protos(3)).
    if (SSL_CTX_set_alpn_protos(context(), core_->alpn.data(),
                                static_cast<unsigned int>(core_->alpn.size())) != 0) {
      Throw("ERR_TLS_OPTION", "\"alpn\" was refused");
    }
  }

  Napi::Env env_;
  const TlsContextOptions& options_;
  std::shared_ptr<TlsContextCore> core_ = std::make_shared<TlsContextCore>();
};

}  // namespace

std::shared_ptr<const TlsContextCore> BuildTlsContext(Napi::Env env,
                                                      const TlsContextOptions& options) {
  return Builder(env, options).Build();
}

}  // namespace sluice
