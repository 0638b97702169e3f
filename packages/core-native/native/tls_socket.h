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

  /// Whether OpenSSL should fill its own buffer beyond the record at hand: worth it only where that
  /// saves a system call.
  virtual bool wants_read_ahead() const = 0;

  /// A call from outside begins, which has room for `room` bytes, 0 unless it reads: the socket is
  /// asked again.
  void Enter(size_t room) {
    state_ = State::kUnknown;
    by_the_way_ = room > 0;
    Begin(room);
  }
  /// What the call under way sends is not what the application wrote. That nobody takes it any
  /// more, the peer being gone or our side ended, is no failure: a read goes on to what came before
  /// and tells the end in its turn (P5, P28). So it is in every call that reads.
  void SendByTheWay() { by_the_way_ = true; }
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
  virtual void Begin(size_t /*room*/) {}
  virtual ssize_t Read(char* data, size_t length) = 0;
  virtual ssize_t Write(const char* data, size_t length) = 0;

  /// recv(2) and send(2) until no signal interrupts them. The first notes what it learns.
  ssize_t Receive(char* data, size_t length);
  ssize_t Send(const char* data, size_t length) const;

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
  bool by_the_way_ = false;
  std::vector<uint8_t> head_;
  size_t head_taken_ = 0;
};

/// Each read of OpenSSL's is one recv(2), each record one send(2).
class DirectTlsSocket final : public TlsSocket {
 public:
  using TlsSocket::TlsSocket;

  bool wants_read_ahead() const override { return true; }
  void Leave() override {}
  Status Flush() override { return Status::kDone; }

 protected:
  ssize_t Read(char* data, size_t length) override { return Receive(data, length); }
  ssize_t Write(const char* data, size_t length) override { return Send(data, length); }
};

}  // namespace sluice
