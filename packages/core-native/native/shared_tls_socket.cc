// See shared_tls_socket.h.
#include "shared_tls_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sluice {

namespace {

/// A record with all that seals it: less in one recv(2) could not be decrypted.
constexpr size_t kRecord = 16 * 1024 + 256 + 5;

}  // namespace

SharedTlsSocket::~SharedTlsSocket() {
  if (buffers_.owner == this) Leave();
}

void SharedTlsSocket::Leave() {
  if (buffers_.owner != this) return;
  Spill();
  buffers_.owner = nullptr;
}

Status SharedTlsSocket::Flush() { return Judge(SendKept() && SendOutput()); }

ssize_t SharedTlsSocket::Read(char* data, size_t length) {
  if (!unread_.empty()) {
    const size_t count = std::min(length, unread_.size());
    std::memcpy(data, unread_.data(), count);
    unread_.Consume(count);
    return static_cast<ssize_t>(count);
  }
  Acquire();
  TlsBuffers& shared = buffers_;
  if (shared.input_start == shared.input_end) {
    const ssize_t received = Fill();
    if (received <= 0) return received;
  }
  const size_t count = std::min(length, shared.input_end - shared.input_start);
  std::memcpy(data, shared.input.data() + shared.input_start, count);
  shared.input_start += count;
  return static_cast<ssize_t>(count);
}

ssize_t SharedTlsSocket::Fill() {
  const size_t most = std::min(TlsBuffers::kInput, std::max(room_, kRecord));
  const ssize_t received = Receive(buffers_.input.data(), most);
  if (received <= 0) return received;
  buffers_.input_start = 0;
  buffers_.input_end = static_cast<size_t>(received);
  return received;
}

bool SharedTlsSocket::LooksSilent() {
  if (HasInput()) return false;
  Acquire();
  // No look but the read itself: it costs no system call of its own.
  return IsNothing(Fill());
}

ssize_t SharedTlsSocket::Write(const char* data, size_t length) {
  if (!SendKept()) return Keep(data, length);
  Acquire();
  if (length > TlsBuffers::kOutput - buffers_.output_length) {
    if (!SendOutput()) return Keep(data, length);
    if (length > TlsBuffers::kOutput) return Send(data, length);
  }
  std::memcpy(buffers_.output.data() + buffers_.output_length, data, length);
  buffers_.output_length += length;
  return static_cast<ssize_t>(length);
}

/// Takes a record for which the socket has no room. Refused, OpenSSL would hold it, and a second
/// KeyUpdate of a peer that does not read meanwhile would break the session ("bad length", P23).
/// It does not pile up: nothing is written behind what is kept but answers to KeyUpdates and the
/// flights of renegotiations, which are counted.
ssize_t SharedTlsSocket::Keep(const char* data, size_t length) {
  if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
  // What is in the shared buffer is older than `data`.
  if (buffers_.owner == this && buffers_.output_length != 0) {
    unsent_.Append(buffers_.output.data(), buffers_.output_length);
    buffers_.output_length = 0;
  }
  unsent_.Append(data, length);
  return static_cast<ssize_t>(length);
}

bool SharedTlsSocket::HasInput() const {
  if (!unread_.empty()) return true;
  return buffers_.owner == this && buffers_.input_start != buffers_.input_end;
}

/// Makes the buffers this session's; whoever had them keeps what is in them.
void SharedTlsSocket::Acquire() {
  if (buffers_.owner == this) return;
  if (buffers_.owner != nullptr) buffers_.owner->Spill();
  buffers_.owner = this;
}

void SharedTlsSocket::Spill() {
  TlsBuffers& shared = buffers_;
  if (shared.input_start != shared.input_end) {
    unread_.Append(shared.input.data() + shared.input_start, shared.input_end - shared.input_start);
  }
  if (shared.output_length != 0) unsent_.Append(shared.output.data(), shared.output_length);
  shared.input_start = shared.input_end = shared.output_length = 0;
}

/// Sends what is in the shared buffer; what does not leave is kept, with errno.
bool SharedTlsSocket::SendOutput() {
  TlsBuffers& shared = buffers_;
  if (shared.owner != this || shared.output_length == 0) return true;
  const size_t length = shared.output_length;
  shared.output_length = 0;
  const ssize_t sent = Send(shared.output.data(), length);
  if (sent == static_cast<ssize_t>(length)) return true;
  const size_t left = sent < 0 ? 0 : static_cast<size_t>(sent);
  const int saved_errno = errno;
  unsent_.Append(shared.output.data() + left, length - left);
  // Only EAGAIN promises an edge.
  if (sent >= 0) return SendKept();
  errno = saved_errno;
  return false;
}

}  // namespace sluice
