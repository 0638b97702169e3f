// The socket of a TLS session as OpenSSL sees it: a BIO that knows when the socket ran dry. Two
// kinds: each record straight from and to the socket, or through buffers that all sessions of a
// thread share. Rule: it stands between OpenSSL and the system calls and decides nothing; a short
// read counts as dry until somebody asks again, exactly as it does on plain TCP.
#pragma once

#include <openssl/bio.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "status.h"

namespace sluice {

class TlsSocket {
 public:
  explicit TlsSocket(int fd) : fd_(fd) {}
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;
  virtual ~TlsSocket() = default;

  /// A new BIO over this object, which must outlive it; null when there is no memory.
  BIO* MakeBio();

  /// Bytes that were read from the socket before this object was made: they come first. Called
  /// once, before anything is read.
  void Feed(const uint8_t* data, size_t length) { head_.assign(data, data + length); }

  /// Whether the peer has said nothing so far, not even that it ends. An error that is met on the
  /// way is kept for the next read.
  bool IsSilent() { return head_.empty() && LooksSilent(); }

  /// Whether OpenSSL should fill its own buffer beyond the record at hand: worth it only where that
  /// saves a system call.
  virtual bool wants_read_ahead() const = 0;

  /// A call from outside begins, which has room for `room` bytes: the socket is asked again.
  virtual void Enter(size_t room) = 0;
  /// It is over: what it leaves unread is kept for the next one.
  virtual void Leave() = 0;

  /// Sends what OpenSSL has written: kDone, kWantsWrite (the rest is kept) or kFailed, with errno.
  virtual Status Flush() = 0;

  /// Whether a flush has left something.
  virtual bool has_unsent() const { return false; }

  /// Nothing was left to read when the socket was last asked: what comes later brings an edge. An
  /// end that was there already does not: whoever has seen RDHUP or HUP asks once more.
  virtual bool dry() const { return state_ != State::kUnknown; }

  /// Whether the dryness is a guess from a short read; if so, the next read asks the kernel.
  bool AskAgain() {
    if (state_ != State::kShort) return false;
    state_ = State::kUnknown;
    return true;
  }

 protected:
  /// What the last read said of the receive queue: nothing; that it was emptied; that it was empty.
  enum class State { kUnknown, kShort, kWouldBlock };

  /// As read(2) and write(2): a count, 0 at the end of the stream, -1 with errno.
  virtual ssize_t Read(char* data, size_t length) = 0;
  virtual ssize_t Write(const char* data, size_t length) = 0;

  /// {@link IsSilent} of the socket.
  virtual bool LooksSilent() = 0;

  /// recv(2) and send(2) until no signal interrupts them. The first notes what it learns.
  ssize_t Receive(char* data, size_t length, int flags = 0);
  ssize_t Send(const char* data, size_t length) const;

  /// What a look has met; true when that is nothing at all.
  bool IsNothing(ssize_t received);

  State state_ = State::kUnknown;

 private:
  static const BIO_METHOD* Method();
  static int ReadBio(BIO* bio, char* data, size_t length, size_t* count);
  static int WriteBio(BIO* bio, const char* data, size_t length, size_t* count);
  static long Control(BIO* bio, int command, long argument, void* pointer);

  /// Gives out what was fed and has not been read yet; 0 when there is nothing (left).
  size_t TakeHead(char* data, size_t length);

  const int fd_;
  bool ended_ = false;
  /// The kernel tells an error once: it is the next read's.
  int kept_errno_ = 0;
  std::vector<uint8_t> head_;
  size_t head_taken_ = 0;
};

/// Each read of OpenSSL's is one recv(2), each record one send(2).
class DirectTlsSocket final : public TlsSocket {
 public:
  using TlsSocket::TlsSocket;

  bool wants_read_ahead() const override { return true; }
  void Enter(size_t) override { state_ = State::kUnknown; }
  void Leave() override {}
  Status Flush() override { return Status::kDone; }

 protected:
  ssize_t Read(char* data, size_t length) override { return Receive(data, length); }
  ssize_t Write(const char* data, size_t length) override { return Send(data, length); }
  bool LooksSilent() override;
};

}  // namespace sluice
