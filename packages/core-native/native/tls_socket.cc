// See tls_socket.h.
#include "tls_socket.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "retry.h"

namespace sluice {

namespace {

TlsSocket& SocketOf(BIO* bio) { return *static_cast<TlsSocket*>(BIO_get_data(bio)); }

}  // namespace

BIO* TlsSocket::MakeBio() {
  BIO* bio = BIO_new(Method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

const BIO_METHOD* TlsSocket::Method() {
  // One for the process, made by whichever worker comes first; it lives as long as the addon does.
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(
        BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "sluice socket");
    if (made == nullptr) return made;
    BIO_meth_set_read_ex(made, ReadBio);
    BIO_meth_set_write_ex(made, WriteBio);
    BIO_meth_set_ctrl(made, Control);
    return made;
  }();
  return method;
}

size_t TlsSocket::TakeHead(char* data, size_t length) {
  const size_t count = std::min(length, head_.size() - head_taken_);
  std::copy_n(head_.data() + head_taken_, count, data);
  head_taken_ += count;
  if (head_taken_ == head_.size()) {
    head_ = {};
    head_taken_ = 0;
  }
  return count;
}

bool TlsSocket::MayReceive() {
  if (kept_errno_ != 0) {
    errno = std::exchange(kept_errno_, 0);
    return false;
  }
  // OpenSSL's own socket BIO would ask the kernel again after each record and be told EAGAIN: one
  // system call in three of a small HTTPS exchange, 0.4 µs. It also uses read(2) and write(2),
  // whose way to a socket is longer than that of recv(2) and send(2).
  if (state_ == State::kUnknown) return true;
  errno = EAGAIN;
  return false;
}

ssize_t TlsSocket::NoteReceived(ssize_t received) {
  if (received >= 0) took_input_ = true;
  if (received == 0) ended_ = true;
  if (received < 0 && WouldBlock(errno)) state_ = State::kWouldBlock;
  return received;
}

ssize_t TlsSocket::Receive(char* data, size_t length, int flags) {
  if (!MayReceive()) return -1;
  const ssize_t received = RetryInterrupted([&] { return recv(fd_, data, length, flags); });
  // epoll(7): on a stream a short read means that the receive queue is empty.
  if (received > 0 && static_cast<size_t>(received) < length) state_ = State::kShort;
  return NoteReceived(received);
}

bool TlsSocket::IsNothing(ssize_t received) {
  if (received >= 0) return false;
  if (WouldBlock(errno)) return true;
  kept_errno_ = errno;
  return false;
}

bool DirectTlsSocket::LooksSilent() {
  char first;
  return IsNothing(Receive(&first, 1, MSG_PEEK));
}

ssize_t TlsSocket::Send(const char* data, size_t length) const {
  // A dead peer answers EPIPE instead of raising SIGPIPE, whatever the process does with it.
  const int flags = MSG_NOSIGNAL | (more_follows_ ? MSG_MORE : 0);
  return Forgive(RetryInterrupted([&] { return send(fd_, data, length, flags); }), length);
}

ssize_t TlsSocket::Forgive(ssize_t sent, size_t length) const {
  const bool is_gone = sent < 0 && (errno == EPIPE || errno == ECONNRESET);
  return is_gone && by_the_way_ ? static_cast<ssize_t>(length) : sent;
}

bool TlsSocket::SendKept() {
  while (!unsent_.empty()) {
    const ssize_t sent = Send(unsent_.data(), unsent_.size());
    if (sent < 0) return false;
    unsent_.Consume(static_cast<size_t>(sent));
  }
  return true;
}

Status TlsSocket::Judge(bool all_sent) {
  if (all_sent) return Status::kDone;
  return WouldBlock(errno) ? Status::kWantsWrite : Status::kFailed;
}

void TlsSocket::Kept::Consume(size_t length) {
  start_ += length;
  if (!empty()) return;
  bytes_ = {};
  start_ = 0;
}

ssize_t DirectTlsSocket::Write(const char* data, size_t length) {
  const bool free = SendKept();
  if (!free && !(keeps_all_ && WouldBlock(errno))) return -1;
  const ssize_t sent = free ? Send(data, length) : 0;
  if (!keeps_all_ || (sent < 0 && !WouldBlock(errno))) return sent;
  const size_t left = sent < 0 ? 0 : static_cast<size_t>(sent);
  unsent_.Append(data + left, length - left);
  return static_cast<ssize_t>(length);
}

int TlsSocket::ReadBio(BIO* bio, char* data, size_t length, size_t* count) {
  TlsSocket& socket = SocketOf(bio);
  BIO_clear_retry_flags(bio);
  if (!socket.head_.empty()) {
    *count = socket.TakeHead(data, length);
    return 1;
  }
  const ssize_t received = socket.Read(data, length);
  if (received > 0) {
    *count = static_cast<size_t>(received);
    return 1;
  }
  const bool is_hidden = received == 0 && socket.hides_end_;
  if (is_hidden || (received < 0 && WouldBlock(errno))) BIO_set_retry_read(bio);
  return received < 0 || is_hidden ? -1 : 0;
}

int TlsSocket::WriteBio(BIO* bio, const char* data, size_t length, size_t* count) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = SocketOf(bio).Write(data, length);
  if (sent >= 0) {
    *count = static_cast<size_t>(sent);
    return 1;
  }
  if (WouldBlock(errno)) BIO_set_retry_write(bio);
  // Never 0: the record layer takes that for a write of nothing that went well.
  return -1;
}

long TlsSocket::Control(BIO* bio, int command, long argument, void* pointer) {
  TlsSocket& socket = SocketOf(bio);
  switch (command) {
    case BIO_CTRL_EOF:
      // How OpenSSL tells a cut stream from a failed call.
      return socket.ended_ ? 1 : 0;
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_C_GET_FD:
      // SSL_sendfile asks for it.
      if (pointer != nullptr) *static_cast<int*>(pointer) = socket.fd_;
      return socket.fd_;
    default:
      return socket.KernelTls(command, argument, pointer);
  }
}

}  // namespace sluice
