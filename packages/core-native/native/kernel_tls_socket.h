// The kind of TLS socket whose records the kernel seals, or opens as well, where it can: each
// record by itself, since what is shared could not be handed over. Rule: a direction is handed over
// at most once, on a record's boundary; from then on its plain bytes are all that user space sees,
// and new keys that the kernel does not take end the session (P45).
#pragma once

#include <string>

#include "sealed_backlog.h"
#include "tls_socket.h"

namespace sluice {

class KernelTlsSocket final : public DirectTlsSocket {
 public:
  /// Whether what comes is to be opened by the kernel too.
  KernelTlsSocket(int fd, bool receives) : DirectTlsSocket(fd), wants_receive_(receives) {}

  /// Bytes in OpenSSL's own buffer would be lost when it goes over to the kernel, and also when the
  /// kernel refuses (3.5.7, ssl_set_new_record_layer).
  bool wants_read_ahead() const override { return false; }
  void set_more_follows(bool follows) override;

  bool sends() const { return sends_; }
  bool receives() const { return receives_; }
  /// The kernel did not take new keys of a direction that it has: nothing can be sealed or opened.
  bool refused_new_keys() const { return refused_new_keys_; }
  /// Why a direction that was asked for was not handed over; empty when both were.
  std::string Reason() const;

  /// The kernel has sent so much of a file.
  void NoteSentFile(ssize_t count) { backlog_.Accepted(count); }
  /// A file found no room. What is in TCP then, where it is less than a segment, waits on Linux 6.1
  /// for more to come, for which there is no room: it is sent on its way.
  void PushWaiting() const;
  /// Whether all that was written is with TCP, so that an end may follow (P24). False promises an
  /// edge to who waits for writability.
  bool HasLeft() const { return !sends_ || backlog_.IsEmpty(fd()); }

  /// Reads and forgets what is there: recv(2) would fail over a record that is no data (P44).
  void DropInput();

 protected:
  ssize_t Read(char* data, size_t length) override;
  ssize_t Write(const char* data, size_t length) override;
  long KernelTls(int command, long argument, const void* keys) override;

 private:
  bool HandOver(bool sending, const void* keys);
  bool IsTaken(bool sending, const void* keys);
  ssize_t ReceiveRecord(char* data, size_t length);
  void TakeError() const;
  ssize_t SendRecord(const char* data, size_t length);

  const bool wants_receive_;
  bool sends_ = false;
  bool receives_ = false;
  bool refused_new_keys_ = false;
  /// Of the record that is written next, where that is no data; -1 for data.
  int record_type_ = -1;
  std::string refusal_;
  SealedBacklog backlog_;
};

}  // namespace sluice
