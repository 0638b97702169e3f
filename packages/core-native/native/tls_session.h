// One SSL object on one non-blocking socket (`NativeTlsSession` of src/contract.ts). Rule: a
// session that failed has failed for good; it answers the same failure to every later call and
// sends nothing more, close_notify included (P29).
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "arguments.h"
#include "client_resumption.h"
#include "environment.h"
#include "key_updates.h"
#include "openssl_ptr.h"
#include "tls_context.h"
#include "tls_keylog.h"
#include "tls_socket.h"

namespace sluice {

class TlsSession final : public Napi::ObjectWrap<TlsSession> {
 public:
  static Napi::Function Define(Napi::Env env, Environment& environment);

  explicit TlsSession(const Napi::CallbackInfo& info);
  ~TlsSession();

 private:
  /// Marks a call into OpenSSL: the first one in asks the socket anew, the last one out does the
  /// close that was asked for meanwhile.
  class Entry {
   public:
    explicit Entry(TlsSession& session) : session_(session) {
      if (session_.entered_++ == 0) session_.socket_->Refresh();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
      if (--session_.entered_ == 0 && session_.close_asked_) session_.Free();
    }

   private:
    TlsSession& session_;
  };

  napi_value Handshake(const Arguments& arguments);
  napi_value Read(const Arguments& arguments);
  napi_value Write(const Arguments& arguments);
  napi_value Shutdown(const Arguments& arguments);
  napi_value Info(const Arguments& arguments);
  napi_value PeerCertificates(const Arguments& arguments);
  napi_value VerifyResult(const Arguments& arguments);
  // In tls_session_keys.cc.
  napi_value ExportSession(const Arguments& arguments);
  napi_value UpdateKeys(const Arguments& arguments);
  napi_value KeyUpdateCounts(const Arguments& arguments);
  napi_value ExportKeyingMaterial(const Arguments& arguments);
  napi_value TakeKeyLog(const Arguments& arguments);
  Status SendKeyUpdate(int type);

  napi_value Close(const Arguments& arguments);

  static void OnMessage(int written, int version, int content_type, const void* bytes,
                        size_t length, SSL* ssl, void* session);

  void Configure(Napi::Env env, const Napi::Value& options);
  int32_t ReadRecords(ByteRange range);
  /// Brings on the handshake, or what OpenSSL has to send after it.
  Status Continue();
  template <typename Call>
  Status Run(const char* name, Call call);
  /// The status as an answer to JavaScript; a failure becomes the environment's last one at this
  /// moment, not before.
  int32_t Answer(Status status);
  void ThrowIfClosed(napi_env env) const;
  /// Ends the session over something that OpenSSL sees nothing wrong with; a literal.
  void Abort(const char* reason);
  void Free();
  /// Of a handshake; what follows it (tickets, KeyUpdate) brings OpenSSL back into its own init.
  bool IsHandshaken() const { return handshaken_ || SSL_is_init_finished(ssl_.get()); }

  std::shared_ptr<Environment> environment_;
  std::optional<LiveCount> live_;
  /// Both before ssl_, to be destroyed after it.
  std::shared_ptr<const TlsContextCore> core_;
  std::optional<TlsSocket> socket_;
  KeyLog key_log_;
  SslPtr ssl_;
  /// Of a client.
  std::optional<ClientResumption> resumption_;
  std::unique_ptr<Failure> failure_;

  /// Length of the write that OpenSSL has seen and not accepted; 0 when there is none.
  size_t blocked_write_ = 0;
  bool close_notify_sent_ = false;
  bool handshaken_ = false;
  /// Tickets that go out with the first write.
  int tickets_due_ = 0;
  /// Records received since the handshake or the last application data.
  int barren_records_ = 0;
  KeyUpdates key_updates_;
  /// An update that a blocked write comes before.
  int key_update_due_ = SSL_KEY_UPDATE_NONE;
  const char* abuse_ = nullptr;
  /// Calls into OpenSSL on the stack: a callback of theirs may close this session (P21).
  int entered_ = 0;
  bool close_asked_ = false;
};

}  // namespace sluice
