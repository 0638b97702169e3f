// The kind of TLS socket that goes through two buffers which all sessions of a thread share: one
// recv(2) for everything that has arrived, one send(2) for everything that a call has written.
// Rule: between two calls the buffers belong to nobody; what a session could not consume or send is
// its own, in memory that is gone once it is used up, so an idle session holds none.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "tls_socket.h"

namespace sluice {

class SharedTlsSocket;

/// One for each environment.
struct TlsBuffers {
  /// A full read budget of the reactor in one recv(2).
  static constexpr size_t kInput = 64 * 1024;
  /// Four full records and what seals them (RFC 8446 section 5.2: at most 256 bytes each).
  static constexpr size_t kOutput = 4 * (16 * 1024 + 256);

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
  bool has_unsent() const override { return !unsent_.empty(); }
  bool dry() const override { return TlsSocket::dry() && !HasInput(); }

 protected:
  void Begin(size_t room) override { room_ = room; }
  ssize_t Read(char* data, size_t length) override;
  ssize_t Write(const char* data, size_t length) override;

 private:
  /// Bytes of this session that wait for a later call.
  class Kept {
   public:
    bool empty() const { return start_ == bytes_.size(); }
    const char* data() const { return bytes_.data() + start_; }
    size_t size() const { return bytes_.size() - start_; }
    void Append(const char* data, size_t length) {
      bytes_.insert(bytes_.end(), data, data + length);
    }
    void Consume(size_t length);

   private:
    std::vector<char> bytes_;
    size_t start_ = 0;
  };

  bool HasInput() const;
  void Acquire();
  void Spill();
  ssize_t Keep(const char* data, size_t length);
  bool SendKept();
  bool SendOutput();

  TlsBuffers& buffers_;
  /// Bytes that the call under way can take: more than that from the socket would only be kept.
  size_t room_ = 0;
  Kept unread_;
  Kept unsent_;
};

}  // namespace sluice
