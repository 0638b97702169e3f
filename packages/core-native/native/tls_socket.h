// The socket of a TLS session as OpenSSL sees it: a BIO that knows when the socket ran dry. Rule:
// it stands between OpenSSL and the system calls and decides nothing; a short read counts as dry
// until the next call from outside, exactly as it does on plain TCP.
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
  void Refresh() { dry_ = false; }

  /// Nothing was left in the receive queue when it was last read: what comes later brings an edge.
  /// An end that was there already does not: whoever has seen RDHUP or HUP asks once more.
  bool dry() const { return dry_; }

 private:
  static const BIO_METHOD* Method();
  static int Read(BIO* bio, char* data, size_t length, size_t* count);
  static int Write(BIO* bio, const char* data, size_t length, size_t* count);
  static long Control(BIO* bio, int command, long argument, void* pointer);

  const int fd_;
  bool dry_ = false;
  bool ended_ = false;
};

}  // namespace sluice
