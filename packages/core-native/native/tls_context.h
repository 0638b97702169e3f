// An immutable SSL_CTX (`NativeTlsContext` of src/contract.ts) and how one is built. Rule:
// everything is checked while building (P37); a context that exists works.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "arguments.h"
#include "client_sessions.h"
#include "environment.h"
#include "openssl_ptr.h"
#include "renegotiation.h"
#include "tls_identity.h"
#include "tls_options.h"
#include "tls_psk.h"

namespace sluice {

/// What sessions share and keep alive: the SSL_CTX, and the memory that its callbacks read.
struct TlsContextCore {
  bool server = false;
  /// Sessions go through the environment's buffers instead of straight to the socket.
  bool shared_buffers = false;
  KernelTls kernel_tls = KernelTls::kOff;
  /// Serves nobody itself: its sessions must choose another context.
  bool chooser = false;
  /// In OpenSSL's syntax.
  std::string groups;
  std::vector<unsigned char> alpn;
  std::vector<LoadedIdentity> identities;
  /// Tickets of TLS 1.3 that a session owes its client after a full handshake.
  int tickets = 0;
  bool key_log = false;
  /// Null where there are none.
  std::unique_ptr<const PskKeys> psk;
  RenegotiationLimit renegotiations;
  /// Bytes of early data that a server takes, or a client sends; 0 for none.
  uint32_t max_early_data = 0;
  /// Part of every session: what keeps those of other policies away.
  std::string session_id_context;
  /// Of a client that keeps its sessions. Used by the context's own thread only.
  std::unique_ptr<ClientSessions> client_sessions;
  /// Last, so that it is let go first: its callbacks point at the members above.
  SslCtxPtr context;
};

/// Builds the core or throws an error with one of the codes of the contract.
std::shared_ptr<const TlsContextCore> BuildTlsContext(Napi::Env env,
                                                      const TlsContextOptions& options);

class TlsContext final : public Napi::ObjectWrap<TlsContext> {
 public:
  static Napi::Function Define(Napi::Env env, Environment& environment);
  /// The context that `value` is, by type tag; null for anything else.
  static TlsContext* From(const Napi::Value& value);

  explicit TlsContext(const Napi::CallbackInfo& info);
  ~TlsContext();

  const std::shared_ptr<const TlsContextCore>& core() const { return core_; }

 private:
  napi_value CertificateChains(const Arguments& arguments);
  napi_value SessionStats(const Arguments& arguments);

  std::shared_ptr<Environment> environment_;
  std::shared_ptr<const TlsContextCore> core_;
  int64_t reported_bytes_ = 0;
};

}  // namespace sluice
