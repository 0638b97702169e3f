// One SSL object on one non-blocking socket (`NativeTlsSession` of src/contract.ts). Rule: a
// session that failed has failed for good; it answers the same failure to every later call and
// sends nothing more, close_notify included (P29).
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "arguments.h"
#include "batch_members.h"
#include "client_resumption.h"
#include "environment.h"
#include "kernel_tls_socket.h"
#include "key_updates.h"
#include "openssl_ptr.h"
#include "renegotiation.h"
#include "tls_context.h"
#include "tls_hello.h"
#include "tls_keylog.h"
#include "tls_outcome.h"
#include "tls_socket.h"

namespace sluice {

class TlsSession final : public Napi::ObjectWrap<TlsSession>, public BatchMember {
 public:
  static Napi::Function Define(Napi::Env env, Environment& environment);

  explicit TlsSession(const Napi::CallbackInfo& info);
  ~TlsSession();

  int32_t ReadInto(ByteRange range) override;
  int32_t WriteFrom(ByteRange range) override;
  size_t LeastWrite() const override { return blocked_write_; }

 private:
  /// Marks a call into OpenSSL: the first one in asks the socket anew, the last one out does the
  /// close that was asked for meanwhile.
  class Entry {
   public:
    /// `room` is how many bytes the call can take.
    explicit Entry(TlsSession& session, size_t room = 0) : session_(session) {
      if (session_.entered_++ == 0) session_.socket_->Enter(room);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
      if (--session_.entered_ != 0) return;
      session_.socket_->Leave();
      if (session_.close_asked_) session_.Free();
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
  napi_value Alerts(const Arguments& arguments);
  napi_value Resumed(const Arguments& arguments);
  napi_value Resumption(const Arguments& arguments);
  napi_value EarlyDataOutcome(const Arguments& arguments);
  napi_value ClientHello(const Arguments& arguments);
  napi_value ChooseContext(const Arguments& arguments);
  napi_value RefuseHello(const Arguments& arguments);
  // In tls_session_keys.cc.
  napi_value ExportSession(const Arguments& arguments);
  napi_value UpdateKeys(const Arguments& arguments);
  napi_value KeyUpdateCounts(const Arguments& arguments);
  napi_value ExportKeyingMaterial(const Arguments& arguments);
  napi_value TakeKeyLog(const Arguments& arguments);
  Status SendKeyUpdate(int type);
  /// One that had to wait, if nothing stands in its way any more.
  Status SendDueKeyUpdate();
  void NoteKeyUpdate(bool sent);

  // In tls_session_renegotiation.cc.
  napi_value Renegotiations(const Arguments& arguments);
  napi_value ReadDue(const Arguments& arguments);
  void AllowRenegotiation();
  /// Brings on a renegotiation that is under way; kDone when there is none (any more). It reads,
  /// and what it finds of data stays for a read.
  Status Renegotiate();

  // In tls_session_early.cc.
  /// A server's session: whether early data may come.
  void AwaitEarlyData(bool may_come);
  /// A client's: offers its session's, if it has any that `alpn`, its own list, goes with.
  void OfferEarlyData(const std::vector<unsigned char>& alpn);
  /// The step of the handshake in which early data begins: kEarly from then on. kDone: there is
  /// none, and the handshake goes on as it always does.
  Status BeginEarlyData();
  int32_t ReadEarly(ByteRange range);
  /// kOpened when the handshake is complete.
  Status FinishEarly();
  Status EndedEarly();
  bool MayWriteEarly() const { return early_ != Early::kWriting || early_left_ > 0; }
  Status WriteEarly(ByteRange range, size_t& count);
  /// What the server did not take.
  void SendEarlyAgain();

  // In tls_session_kernel.cc.
  napi_value KernelTlsStatus(const Arguments& arguments);
  napi_value SendFile(const Arguments& arguments);
  std::unique_ptr<TlsSocket> MakeSocket(int fd);
  Napi::Object KernelTlsOf(Napi::Env env) const;
  /// The handshake has handed over what it could: nothing more is offered.
  void SettleKernelTls();
  /// Whether a KeyUpdate would end the session, the kernel having no new keys for what it seals.
  bool CannotUpdateKeys(int type) const;
  int32_t SendFileRange(int file, off_t offset, size_t length);

  napi_value BatchHandle(const Arguments& arguments);
  napi_value Close(const Arguments& arguments);

  static void OnMessage(int written, int version, int content_type, const void* bytes,
                        size_t length, SSL* ssl, void* session);

  void Configure(Napi::Env env, const Napi::Value& options);
  void Feed(Napi::Env env, const Napi::Value& head);
  void NoteAlert(bool sent, int description);
  void NoteBarrenRecord();
  void ConfigureClient(Napi::Env env, const Napi::Object& options);
  void ConfigureServer(Napi::Env env, const Napi::Object& options);
  HelloChoice& AwaitedChoice(napi_env env) const;
  // In tls_session_outcome.cc.
  napi_value Outcome(const Arguments& arguments);
  /// One of the handshake, as an answer to JavaScript.
  int32_t Step();
  /// The handshake is complete; once.
  void OnHandshaken();
  /// Of one that failed: says what OpenSSL does not know.
  void ExplainHandshake();
  const TlsContextCore& served() const { return hello_ ? hello_->served() : *core_; }
  bool IsResumed() const { return SSL_session_reused(ssl_.get()) == 1 && !used_psk_; }
  int32_t ReadOwing(ByteRange range);
  int32_t ReadRecords(ByteRange range);
  int32_t WriteRecords(ByteRange range);
  Status WriteRecord(ByteRange range, size_t& count);
  void SettleTickets();
  /// Those that no write is there to take along.
  Status SendDueTickets();
  Status SendCloseNotify();
  /// Brings on what OpenSSL has to send after the handshake, and sends it.
  Status Continue();
  /// Reads without taking anything: kDone when there is data.
  Status Peek();
  /// Runs `call`, which answers as SSL_read_ex or SSL_do_handshake do. `name` is a literal.
  template <typename Call>
  Status Run(const char* name, Call call) {
    if (failure_) return Status::kFailed;
    Status status;
    do {
      status = RunTls(ssl_.get(), name, failure_, call);
      // A want of more must come from a socket that said EAGAIN: an end that was there already
      // brings no edge any more, and half a record before it is a short read too.
    } while (status == Status::kWantsRead && !trusts_short_reads_ && socket_->AskAgain());
    return JudgeRun(status, name);
  }
  Status JudgeRun(Status status, const char* name);
  /// Sends what OpenSSL has written: kDone, kWantsWrite or kFailed. `name` is a literal.
  Status Flush(const char* name);
  /// The same where a peer that is gone is for a read to tell, after what it sent before.
  Status FlushToReader(const char* name);
  Status Judge(Status flushed, const char* name);
  /// The status as an answer to JavaScript; a failure becomes the environment's last one at this
  /// moment, not before.
  int32_t Answer(Status status);
  void ThrowIfClosed(napi_env env) const;
  /// Ends the session over something that OpenSSL sees nothing wrong with; a literal.
  void Abort(const char* reason);
  void Free();
  /// Of a handshake; what follows it (tickets, KeyUpdate) brings OpenSSL back into its own init.
  bool IsHandshaken() const { return handshaken_ || SSL_is_init_finished(ssl_.get()); }
  /// Nothing else may be written before the write that was blocked.
  bool IsWriteBlocked() const { return blocked_write_ != 0 || record_pinned_; }

  std::shared_ptr<Environment> environment_;
  /// 0 until it is asked for.
  int32_t batch_handle_ = 0;
  std::optional<LiveCount> live_;
  /// All before ssl_, to be destroyed after it.
  std::shared_ptr<const TlsContextCore> core_;
  std::unique_ptr<HelloChoice> hello_;
  std::vector<unsigned char> alpn_;
  std::unique_ptr<TlsSocket> socket_;
  /// The same one, where kernel TLS is asked for; null elsewhere.
  KernelTlsSocket* kernel_ = nullptr;
  KeyLog key_log_;
  SslPtr ssl_;
  /// Of a client.
  std::optional<ClientResumption> resumption_;
  /// Null where none is allowed: on most sessions.
  std::unique_ptr<Renegotiation> renegotiation_;
  std::unique_ptr<Failure> failure_;

  /// Length of the write that was answered with a want; 0 when there is none.
  size_t blocked_write_ = 0;
  /// What OpenSSL has accepted of it, to be told when all of its records have left.
  size_t accepted_write_ = 0;
  /// OpenSSL holds a record that it has sealed and could not write: the bytes behind those that
  /// were accepted, which the next write begins with.
  bool record_pinned_ = false;
  /// A KeyUpdate, ours or the answer to the peer's, has not left: it has to before more is read
  /// that may want another.
  bool read_owes_ = false;
  bool close_notify_sent_ = false;
  bool handshake_begun_ = false;
  /// Of the step of the handshake that is under way: no end was there when it began.
  bool trusts_short_reads_ = false;
  bool handshaken_ = false;
  /// Of a server: `kAwaited` until the ClientHello is there, then `kReading` what came early, and
  /// `kFinishing` when all of it is read. Of a client: `kOffered`, then `kWriting`. `kNone` before
  /// the first step where there is none, and once the handshake is complete.
  enum class Early { kNone, kAwaited, kReading, kFinishing, kOffered, kWriting };
  Early early_ = Early::kNone;
  /// What the call that read the ClientHello has read beyond it.
  std::optional<unsigned char> early_first_;
  /// Application data was written before the handshake was complete.
  bool wrote_early_ = false;
  /// It is told here that TCP's stream has ended, and not by OpenSSL.
  bool hides_end_ = false;
  /// Of a client: how much more may leave early; what did, to be sent again if it is not taken; and
  /// the session that was offered with it.
  uint32_t early_left_ = 0;
  std::vector<uint8_t> early_sent_;
  SslSessionPtr early_session_;
  /// The handshake was made with a key from outside.
  bool used_psk_ = false;
  /// A write has taken input off the socket: no edge tells a read of it.
  bool read_due_ = false;
  /// Whether the tickets of a server have gone out with the first write, or are not due.
  bool tickets_settled_ = false;
  /// Descriptions (RFC 8446 section 6) of the last alerts other than close_notify; -1 for none.
  int alert_sent_ = -1;
  int alert_received_ = -1;
  /// Records received since the handshake, the last application data, or the start of a
  /// renegotiation; before that, requests to begin the handshake that is under way.
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
