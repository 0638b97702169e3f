// The socket of a TLS session as OpenSSL sees it: a BIO that knows when the socket ran dry. Rule:
// it stands between OpenSSL and the system calls and decides nothing; a short read counts as dry
// until somebody asks again, exactly as it does on plain TCP.
#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

class TlsSocket {
 public:
  explicit TlsSocket(int fd) : fd_(fd) {}
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  /// A new BIO over this object, which must outlive it; null when there is no memory.
  BIO* MakeBio();

  /// Bytes that were read from the socket before this object was made: they come first. Called
  /// once, before anything is read.
  void Feed(const uint8_t* data, size_t length) { head_.assign(data, data + length); }

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
  /// Gives out what was fed and has not been read yet; 0 when there is nothing (left).
  size_t TakeHead(char* data, size_t length);

  static int Read(BIO* bio, char* data, size_t length, size_t* count);
  static int Write(BIO* bio, const char* data, size_t length, size_t* count);
  static long Control(BIO* bio, int command, long argument, void* pointer);

  const int fd_;
  State state_ = State::kUnknown;
  bool ended_ = false;
  std::vector<uint8_t> head_;
  size_t head_taken_ = 0;
};

}  // namespace sluice
