// See kernel_tls_socket.h. What the controls do is what OpenSSL's own socket BIO does
// (crypto/bio/bss_sock.c, include/internal/ktls.h).
#include "kernel_tls_socket.h"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "failure.h"
#include "kernel_tls.h"
#include "kernel_tls_numbers.h"
#include "retry.h"

namespace sluice {

namespace {

// RFC 8446 section 5.1; the kernel takes it off, OpenSSL wants to see one.
constexpr size_t kHeaderBytes = 5;
// OpenSSL leaves room for what the kernel has taken off behind.
constexpr size_t kTagBytes = 16;
constexpr size_t kSmallestRecord = kHeaderBytes + kTagBytes;

/// Length of the keys by the kind of cipher; 0 for one that is not known here.
size_t KeyBytes(const void* keys) {
  switch (static_cast<const tls_crypto_info*>(keys)->cipher_type) {
    case TLS_CIPHER_AES_GCM_128:
      return sizeof(tls12_crypto_info_aes_gcm_128);
    case TLS_CIPHER_AES_GCM_256:
      return sizeof(tls12_crypto_info_aes_gcm_256);
    case TLS_CIPHER_AES_CCM_128:
      return sizeof(tls12_crypto_info_aes_ccm_128);
#ifdef TLS_CIPHER_CHACHA20_POLY1305
    case TLS_CIPHER_CHACHA20_POLY1305:
      return sizeof(tls12_crypto_info_chacha20_poly1305);
#endif
    default:
      return 0;
  }
}

/// A message of one piece, with room for a record's type.
struct TypedMessage {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(1)> control{};
  iovec piece;
  msghdr header{};

  TypedMessage(void* data, size_t length) : piece{data, length} {
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
};

/// -1 when the kernel told none: at the end of the stream.
int RecordType(msghdr& header) {
  const cmsghdr* told = CMSG_FIRSTHDR(&header);
  if (told == nullptr || told->cmsg_level != SOL_TLS || told->cmsg_type != TLS_GET_RECORD_TYPE)
    return -1;
  return *CMSG_DATA(told);
}

}  // namespace

void KernelTlsSocket::set_more_follows(bool follows) {
  // The kernel would keep the record open, and shutdown(2) does not close it: the FIN would come
  // without the close_notify in front.
  DirectTlsSocket::set_more_follows(follows && !sends_);
}

std::string KernelTlsSocket::Reason() const {
  if (sends_ && (receives_ || !wants_receive_)) return {};
  if (!refusal_.empty()) return refusal_;
  const std::string library = LibraryRefusal();
  if (!library.empty()) return library;
  return "OpenSSL hands over AES-GCM, AES-128-CCM and ChaCha20-Poly1305 only, in records of full "
         "size";
}

long KernelTlsSocket::KernelTls(int command, long argument, const void* keys) {
  switch (command) {
    case kBioSetKernelTls:
      return HandOver(argument != 0, keys) ? 1 : 0;
    case kBioSetRecordType:
      record_type_ = static_cast<int>(argument);
      return 0;
    case kBioClearRecordType:
      record_type_ = -1;
      return 0;
    case BIO_CTRL_GET_KTLS_SEND:
      return sends_ ? 1 : 0;
    case BIO_CTRL_GET_KTLS_RECV:
      return receives_ ? 1 : 0;
    default:
      return 0;
  }
}

bool KernelTlsSocket::HandOver(bool sending, const void* keys) {
  if (!sending && !wants_receive_) return false;
  bool& is_with_kernel = sending ? sends_ : receives_;
  if (sending && sends_) backlog_.BeforeNewKeys(fd());
  if (!IsTaken(sending, keys)) {
    refused_new_keys_ = is_with_kernel;
    return false;
  }
  if (!sending) state_ = State::kUnknown;
  if (sending && sends_) backlog_.AfterNewKeys(keys);
  if (sending && !sends_) backlog_.Begin(fd(), keys, KeyBytes(keys));
  is_with_kernel = true;
  return true;
}

/// Offers the keys to the kernel; says why when it does not take them.
bool KernelTlsSocket::IsTaken(bool sending, const void* keys) {
  if (sending && has_unsent()) {
    refusal_ = "the socket had no room for what comes before";
    return false;
  }
  if (!sending && has_head()) {
    refusal_ = "bytes that came before TLS began would be overtaken";
    return false;
  }
  const size_t length = KeyBytes(keys);
  if (length == 0) {
    refusal_ = "this build does not know the kernel's number of the cipher";
    return false;
  }
  if (setsockopt(fd(), IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) != 0 && errno != EEXIST) {
    refusal_ = UlpRefusal(errno);
    return false;
  }
  if (setsockopt(fd(), SOL_TLS, sending ? TLS_TX : TLS_RX, keys, static_cast<socklen_t>(length)) ==
      0)
    return true;
  refusal_ = std::string("the kernel does not take these keys for ") +
             (sending ? "sending" : "receiving") + " (" + ErrorName(errno) + ")";
  return false;
}

ssize_t KernelTlsSocket::Read(char* data, size_t length) {
  return receives_ ? ReceiveRecord(data, length) : Receive(data, length);
}

ssize_t KernelTlsSocket::ReceiveRecord(char* data, size_t length) {
  if (!MayReceive()) return -1;
  if (length < kSmallestRecord) {
    errno = EINVAL;
    return -1;
  }
  TypedMessage message(data + kHeaderBytes, length - kSmallestRecord);
  const ssize_t received = RetryInterrupted([&] {
    message.header.msg_controllen = message.control.size();
    return recvmsg(fd(), &message.header, 0);
  });
  if (received < 0 && !WouldBlock(errno)) TakeError();
  const int type = received < 0 ? -1 : RecordType(message.header);
  if (type < 0) return NoteReceived(received);
  // Never a guess from a short one: a record of another type ends what one call gets.
  NoteReceived(static_cast<ssize_t>(kHeaderBytes) + received);
  // TLS 1.2 on every record (RFC 8446 section 5.1).
  const std::array<int, kHeaderBytes> header{type, 3, 3, static_cast<int>(received >> 8 & 0xff),
                                             static_cast<int>(received & 0xff)};
  std::ranges::transform(header, data, [](int byte) { return static_cast<char>(byte); });
  return static_cast<ssize_t>(kHeaderBytes) + received;
}

/// A record that does not open (EBADMSG) is an error of the whole socket: the alert about it would
/// fail by it too.
void KernelTlsSocket::TakeError() const {
  const int error = errno;
  int pending = 0;
  socklen_t length = sizeof(pending);
  getsockopt(fd(), SOL_SOCKET, SO_ERROR, &pending, &length);
  errno = error;
}

ssize_t KernelTlsSocket::Write(const char* data, size_t length) {
  const ssize_t written =
      record_type_ < 0 ? DirectTlsSocket::Write(data, length) : SendRecord(data, length);
  if (sends_) backlog_.Accepted(written);
  return written;
}

ssize_t KernelTlsSocket::SendRecord(const char* data, size_t length) {
  if (!SendKept()) return -1;
  TypedMessage message(const_cast<char*>(data), length);
  cmsghdr* type = CMSG_FIRSTHDR(&message.header);
  type->cmsg_level = SOL_TLS;
  type->cmsg_type = TLS_SET_RECORD_TYPE;
  type->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(type) = static_cast<unsigned char>(record_type_);
  message.header.msg_controllen = type->cmsg_len;
  const ssize_t sent = Forgive(
      RetryInterrupted([&] { return sendmsg(fd(), &message.header, MSG_NOSIGNAL); }), length);
  // The rest of one that left in part is of the same type.
  if (sent == static_cast<ssize_t>(length)) record_type_ = -1;
  return sent;
}

void KernelTlsSocket::PushWaiting() const {
  // Lets go what is corked, whatever TCP_NODELAY says, and changes nothing (tcp(7)).
  const int off = 0;
  setsockopt(fd(), IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
}

void KernelTlsSocket::DropInput() {
  // As many bytes as elsewhere: bounded, so that a peer cannot hold the thread.
  constexpr int kMostReads = 8;
  std::array<char, 16 * 1024> scratch;
  for (int reads = 0; reads < kMostReads; ++reads) {
    TypedMessage message(scratch.data(), scratch.size());
    if (recvmsg(fd(), &message.header, MSG_DONTWAIT) <= 0) return;
  }
}

}  // namespace sluice
