// The socket of a TLS session as OpenSSL sees it: a BIO that knows when the socket ran dry. Rule:
// it stands between OpenSSL and the system calls and decides nothing; a short read counts as dry
// until somebody asks again, exactly as it does on plain TCP.
#pragma once

#include <openssl/bio.h>

#include <cstddef>

namespace sluice {

class TlsSocket {
 public:
  explicit TlsSocket(int fd) : fd_(fd) {}
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  /// A new BIO over this object, which must outlive it; null when there is no memory.
  BIO* MakeBio();

  /// A call from outside begins: the socket is asked again.
  void Refresh() { state_ = State::kUnknown; }

  /// Whether the dryness is a guess from a short read; if so, the next read asks the kernel.
  bool AskAgain() {
    if (state_ != State::kShort) return false;
    state_ = State::kUnknown;
    return true;
  }

  /// Nothing was left in the receive queue when it was last read: what comes later brings an edge.
  /// An end that was there already does not: whoever has seen RDHUP or HUP asks once more.
  bool dry() const { return state_ != State::kUnknown; }

 private:
  /// What the last read said of the receive queue: nothing; that it was emptied; that it was empty.
  enum class State { kUnknown, kShort, kWouldBlock };

  static const BIO_METHOD* Method();
  static int Read(BIO* bio, char* data, size_t length, size_t* count);
  static int Write(BIO* bio, const char* data, size_t length, size_t* count);
  static long Control(BIO* bio, int command, long argument, void* pointer);

  const int fd_;
  State state_ = State::kUnknown;
  bool ended_ = false;
};

}  // namespace sluice
