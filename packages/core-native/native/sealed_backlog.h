// What the kernel has sealed for a connection and TCP has not taken yet (tx_list of the kernel's
// net/tls/tls_sw.c). Rule: it is counted, for nothing tells it: send(2) answers as if all had left,
// the FIN of shutdown(2) overtakes what waits, and close(2) drops it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace sluice {

class SealedBacklog {
 public:
  /// The kernel has taken the first keys, a tls_crypto_info of `length` bytes, for what is sent.
  void Begin(int fd, const void* keys, size_t length);
  /// It is about to take others, which count their records anew, and has taken them.
  void BeforeNewKeys(int fd);
  void AfterNewKeys(const void* keys);

  /// The kernel has accepted so many bytes in the clear; -1 for a call that failed.
  void Accepted(ssize_t count) { accepted_ += count > 0 ? static_cast<uint64_t>(count) : 0; }

  /// Whether TCP has all that was accepted. False promises an edge to who waits for writability.
  bool IsEmpty(int fd) const;

 private:
  bool IsTaken(int fd) const;
  uint64_t Sequence(int fd) const;

  /// Of the keys, and of each record around its plain bytes.
  size_t key_bytes_ = 0;
  size_t record_bytes_ = 0;
  /// Of TCP's stream, when the kernel began to seal.
  uint64_t start_ = 0;
  uint64_t accepted_ = 0;
  /// Records under the keys before; the number of the first under those that are in force.
  uint64_t records_before_ = 0;
  uint64_t first_record_ = 0;
};

}  // namespace sluice
