// See sealed_backlog.h.
#include "sealed_backlog.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>

#include "kernel_tls_numbers.h"

namespace sluice {

namespace {

/// The last field of the keys of each cipher (linux/tls.h).
constexpr size_t kSequenceBytes = 8;
/// Room for the keys of each.
using Keys = std::array<unsigned char, 128>;

/// What waits leaves by a thread of the kernel's, which the edge of writability only wakes: so long
/// it is waited for once the socket is writable. It takes microseconds.
constexpr int kMostNaps = 50;

uint64_t SequenceOf(const unsigned char* keys, size_t length) {
  uint64_t sequence = 0;
  for (size_t at = length - kSequenceBytes; at < length; ++at) sequence = sequence << 8 | keys[at];
  return sequence;
}

/// The header, and behind the bytes the tag; RFC 8446 section 5.2 has the type there as well, RFC
/// 5288 section 3 and RFC 6655 section 3 a nonce in front, RFC 7905 section 2 neither.
size_t RecordBytes(const tls_crypto_info& keys) {
  constexpr size_t kHeaderAndTag = 5 + 16;
  if (keys.version == TLS_1_3_VERSION) return kHeaderAndTag + 1;
#ifdef TLS_CIPHER_CHACHA20_POLY1305
  if (keys.cipher_type == TLS_CIPHER_CHACHA20_POLY1305) return kHeaderAndTag;
#endif
  return kHeaderAndTag + 8;
}

/// How far TCP's stream has been written; nothing when the connection is no more.
std::optional<uint64_t> StreamPosition(int fd) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  int unacked = 0;
  // In this order: an acknowledgement in between makes it less, never more.
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  if (ioctl(fd, SIOCOUTQ, &unacked) != 0) return std::nullopt;
  constexpr int kEstablished = 1;
  constexpr int kCloseWait = 8;
  if (info.tcpi_state != kEstablished && info.tcpi_state != kCloseWait) return std::nullopt;
  return info.tcpi_bytes_acked + static_cast<uint64_t>(unacked);
}

}  // namespace

void SealedBacklog::Begin(int fd, const void* keys, size_t length) {
  key_bytes_ = length;
  record_bytes_ = RecordBytes(*static_cast<const tls_crypto_info*>(keys));
  start_ = StreamPosition(fd).value_or(0);
  AfterNewKeys(keys);
}

void SealedBacklog::BeforeNewKeys(int fd) { records_before_ += Sequence(fd) - first_record_; }

void SealedBacklog::AfterNewKeys(const void* keys) {
  first_record_ = SequenceOf(static_cast<const unsigned char*>(keys), key_bytes_);
}

/// Of the record that is sealed next.
uint64_t SealedBacklog::Sequence(int fd) const {
  Keys keys{};
  auto length = static_cast<socklen_t>(key_bytes_);
  if (getsockopt(fd, SOL_TLS, TLS_TX, keys.data(), &length) != 0) return first_record_;
  const uint64_t sequence = SequenceOf(keys.data(), key_bytes_);
  // The keys themselves came with it.
  OPENSSL_cleanse(keys.data(), keys.size());
  return sequence;
}

bool SealedBacklog::IsTaken(int fd) const {
  const uint64_t records = records_before_ + Sequence(fd) - first_record_;
  const std::optional<uint64_t> position = StreamPosition(fd);
  // Nothing leaves a connection that is no more, and nobody has to wait for it.
  return !position || *position - start_ >= accepted_ + records * record_bytes_;
}

bool SealedBacklog::IsEmpty(int fd) const {
  for (int naps = 0; !IsTaken(fd); ++naps) {
    // Where it finds no room it has an edge sent once there is some (tcp_poll() of the kernel).
    pollfd state{fd, POLLOUT, 0};
    if (poll(&state, 1, 0) <= 0 || naps == kMostNaps) return false;
    if ((state.revents & (POLLERR | POLLHUP)) != 0) return true;
    poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace sluice
