// The kind of TLS socket that goes through two buffers which all sessions of a thread share: one
// recv(2) for everything that has arrived, one send(2) for everything that a call has written.
// Rule: between two calls the buffers belong to nobody; what a session could not consume or send is
// its own, in memory that is gone once it is used up, so an idle session holds none.
#pragma once

#include <array>
#include <cstddef>

#include "tls_socket.h"

namespace sluice {

class SharedTlsSocket;

/// One for each environment.
struct TlsBuffers {
  /// A full read budget of the reactor in one recv(2).
  static constexpr size_t kInput = 64 * 1024;
  /// Sixteen full records and what seals them (RFC 8446 section 5.2: at most 256 bytes each): a
  /// send(2) of more carries more segments through TCP at once. Four cost a mebibyte an eighth
  /// more, thirty-two gain nothing (docs/performance-notes.md).
  static constexpr size_t kOutput = 16 * (16 * 1024 + 256);

  std::array<char, kInput> input;
  size_t input_start = 0;
  size_t input_end = 0;
  std::array<char, kOutput> output;
  size_t output_length = 0;
  /// Whose bytes these are. A call from inside a callback of another session takes them over.
  SharedTlsSocket* owner = nullptr;
};

class SharedTlsSocket final : public TlsSocket {
 public:
  /// `buffers` must outlive it.
  SharedTlsSocket(int fd, TlsBuffers& buffers) : TlsSocket(fd), buffers_(buffers) {}
  ~SharedTlsSocket() override;

  bool wants_read_ahead() const override { return false; }
  void Leave() override;
  Status Flush() override;
  bool dry() const override { return TlsSocket::dry() && !HasInput(); }

 protected:
  ssize_t Read(char* data, size_t length) override;
  ssize_t Write(const char* data, size_t length) override;
  bool LooksSilent() override;

 private:
  bool HasInput() const;
  ssize_t Keep(const char* data, size_t length);
  void Acquire();
  /// Takes what the socket has into the shared buffer, which is empty; as recv(2).
  ssize_t Fill();
  void Spill();
  bool SendOutput();

  TlsBuffers& buffers_;
  Kept unread_;
};

}  // namespace sluice
