// The socket of a TLS session as OpenSSL sees it: a BIO that knows when the socket ran dry. Three
// kinds: each record straight from and to the socket, or so and sealed by the kernel, or through
// buffers that all sessions of a thread share. Rule: it stands between OpenSSL and the system calls
// and decides nothing; a short read counts as dry until somebody asks again, exactly as it does on
// plain TCP.
#pragma once

#include <openssl/bio.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "status.h"

namespace sluice {

class TlsSocket {
 public:
  explicit TlsSocket(int fd) : fd_(fd) {}
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;
  virtual ~TlsSocket() = default;

  /// A new BIO over this object, which must outlive it; null when there is no memory.
  BIO* MakeBio();

  /// Bytes that were read from the socket before this object was made: they come first. Called
  /// once, before anything is read.
  void Feed(const uint8_t* data, size_t length) { head_.assign(data, data + length); }

  /// Whether the peer has said nothing so far, not even that it ends. An error that is met on the
  /// way is kept for the next read.
  bool IsSilent() { return head_.empty() && LooksSilent(); }

  /// Whether OpenSSL should fill its own buffer beyond the record at hand: worth it only where that
  /// saves a system call.
  virtual bool wants_read_ahead() const = 0;

  /// A call from outside begins, which has room for `room` bytes, 0 unless it reads: the socket is
  /// asked again.
  void Enter(size_t room) {
    state_ = State::kUnknown;
    took_input_ = false;
    by_the_way_ = room > 0;
    room_ = room;
  }
  /// What the call under way sends is not what the application wrote. That nobody takes it any
  /// more, the peer being gone or our side ended, is no failure: a read goes on to what came before
  /// and tells the end in its turn (P5, P28). So it is in every call that reads.
  void SendByTheWay() { by_the_way_ = true; }
  /// It is over: what it leaves unread is kept for the next one.
  virtual void Leave() = 0;
  /// Whether the call has taken anything off the socket, its end included: no edge tells of it
  /// again.
  bool took_input() const { return took_input_; }

  /// Whether a write of OpenSSL's never blocks from now on: what finds no room is kept until a
  /// flush. Whoever asks for this writes nothing of their own while something is kept.
  void set_keeps_all(bool keeps) { keeps_all_ = keeps; }

  /// An end of TCP's stream looks like a socket that ran dry from now on; {@link ended} tells it.
  void HideEnd() { hides_end_ = true; }
  /// Whether the peer has ended TCP's stream, and that was read.
  bool ended() const { return ended_; }

  /// Sends what OpenSSL has written: kDone, kWantsWrite (the rest is kept) or kFailed, with errno.
  virtual Status Flush() = 0;

  /// What is sent from now on waits for what is sent next, the FIN included, to share its segment
  /// (MSG_MORE of send(2)); the kernel waits at most 200 ms for it.
  virtual void set_more_follows(bool follows) { more_follows_ = follows; }

  /// Whether a flush has left something.
  bool has_unsent() const { return !unsent_.empty(); }

  /// Nothing was left to read when the socket was last asked: what comes later brings an edge. An
  /// end that was there already does not: whoever has seen RDHUP or HUP asks once more.
  virtual bool dry() const { return state_ != State::kUnknown; }

  /// Whether the dryness is a guess from a short read; if so, the next read asks the kernel.
  bool AskAgain() {
    if (state_ != State::kShort) return false;
    state_ = State::kUnknown;
    return true;
  }

 protected:
  /// What the last read said of the receive queue: nothing; that it was emptied; that it was empty.
  enum class State { kUnknown, kShort, kWouldBlock };

  /// As read(2) and write(2): a count, 0 at the end of the stream, -1 with errno.
  virtual ssize_t Read(char* data, size_t length) = 0;
  virtual ssize_t Write(const char* data, size_t length) = 0;

  /// {@link IsSilent} of the socket.
  virtual bool LooksSilent() = 0;

  /// The controls of kernel TLS, as of BIO_s_socket; 0 refuses.
  virtual long KernelTls(int /*command*/, long /*argument*/, const void* /*keys*/) { return 0; }

  int fd() const { return fd_; }
  bool has_head() const { return !head_.empty(); }

  /// Whether the socket is to be asked; false with errno, where the answer is known.
  bool MayReceive();
  /// Notes what a read of the socket has answered, and answers it.
  ssize_t NoteReceived(ssize_t received);
  /// What a write of `length` bytes answered, or success where nobody minds that the peer is gone.
  ssize_t Forgive(ssize_t sent, size_t length) const;

  /// recv(2) and send(2) until no signal interrupts them. The first notes what it learns.
  ssize_t Receive(char* data, size_t length, int flags = 0);
  ssize_t Send(const char* data, size_t length) const;

  /// Bytes of this session that wait for a later call; memory that is gone once it is used up.
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

  /// Sends what an earlier call left; false when some of it stays, with errno.
  bool SendKept();
  /// kDone for true, else what errno stands for.
  static Status Judge(bool all_sent);
  /// What a look has met; true when that is nothing at all.
  bool IsNothing(ssize_t received);

  State state_ = State::kUnknown;
  /// Bytes that the call under way can take: more than that from the socket would only be kept.
  size_t room_ = 0;
  bool keeps_all_ = false;
  Kept unsent_;

 private:
  static const BIO_METHOD* Method();
  static int ReadBio(BIO* bio, char* data, size_t length, size_t* count);
  static int WriteBio(BIO* bio, const char* data, size_t length, size_t* count);
  static long Control(BIO* bio, int command, long argument, void* pointer);

  /// Gives out what was fed and has not been read yet; 0 when there is nothing (left).
  size_t TakeHead(char* data, size_t length);

  const int fd_;
  bool ended_ = false;
  bool hides_end_ = false;
  bool more_follows_ = false;
  bool took_input_ = false;
  /// The kernel tells an error once: it is the next read's.
  int kept_errno_ = 0;
  bool by_the_way_ = false;
  std::vector<uint8_t> head_;
  size_t head_taken_ = 0;
};

/// Each read of OpenSSL's is one recv(2), each record one send(2).
class DirectTlsSocket : public TlsSocket {
 public:
  using TlsSocket::TlsSocket;

  bool wants_read_ahead() const override { return true; }
  void Leave() override {}
  Status Flush() override { return Judge(SendKept()); }

 protected:
  ssize_t Read(char* data, size_t length) override { return Receive(data, length); }
  ssize_t Write(const char* data, size_t length) override;
  bool LooksSilent() override;
};

}  // namespace sluice
