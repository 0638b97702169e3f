// See file.h.
#include "file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "arguments.h"
#include "environment.h"
#include "file_cache.h"
#include "no_sigpipe.h"
#include "retry.h"
#include "status.h"

namespace sluice {

namespace {

int File(const Arguments& arguments, size_t index) {
  return arguments.Int(index, "file", 0, INT32_MAX);
}

/// `offset`, `length` from `first` on, the length no longer than kMaxCount.
struct FileRange {
  FileRange(const Arguments& arguments, size_t first)
      : offset(arguments.Size(first, "offset")),
        length(std::min<size_t>(arguments.Size(first + 1, "length"), kMaxCount)) {
    if (length == 0) arguments.ThrowNothingToMove();
  }
  size_t offset;
  size_t length;
};

ssize_t SendRange(int fd, int file, const FileRange& range) {
  const NoSigpipe no_sigpipe;
  return RetryInterrupted([&] {
    auto offset = static_cast<off_t>(range.offset);
    errno = 0;
    return sendfile(fd, file, &offset, range.length);
  });
}

/// What a call that sends answers for what system call `call` has answered.
napi_value Sent(const Arguments& arguments, ssize_t count, const char* call) {
  if (count >= 0) return Integer(arguments.env(), static_cast<int32_t>(count));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsWrite));
  return Integer(arguments.env(), arguments.environment().Fail(errno, call));
}

napi_value SendFile(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const int file = File(arguments, 1);
  const FileRange range(arguments, 2);
  return Sent(arguments, SendRange(fd, file, range), "sendfile");
}

/// Up to this length what is ahead of a file waits for its first bytes (SHORT_BYTES of the
/// reactor).
constexpr size_t kHeldBack = 16 * 1024;

napi_value SendWithFile(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const ByteRange head = arguments.Bytes(1);
  const int file = File(arguments, 4);
  const FileRange range(arguments, 5);
  const int flags = MSG_NOSIGNAL | (range.length <= kHeldBack ? MSG_MORE : 0);
  const ssize_t count = RetryInterrupted([&] { return send(fd, head.data, head.length, flags); });
  if (count < 0 || static_cast<size_t>(count) < head.length) return Sent(arguments, count, "send");
  const ssize_t behind = SendRange(fd, file, range);
  if (behind >= 0) return Integer(arguments.env(), static_cast<int32_t>(count + behind));
  // What has left has left: sending the rest finds the socket full again.
  if (WouldBlock(errno)) return Integer(arguments.env(), static_cast<int32_t>(count));
  return Sent(arguments, behind, "sendfile");
}

napi_value TrustSigpipe(const Arguments& arguments) {
  struct sigaction action {};
  const bool is_ignored = arguments.Boolean(0, "trust") &&
                          sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  sigpipe_is_ignored.store(is_ignored, std::memory_order_relaxed);
  napi_value answer = nullptr;
  napi_get_boolean(arguments.env(), is_ignored, &answer);
  return answer;
}

napi_value ReadCached(const Arguments& arguments) {
  const int file = File(arguments, 0);
  const ByteRange all = arguments.Bytes(1);
  const size_t position = arguments.Size(4, "position");
  const iovec place{all.data, all.length};
  const ssize_t count = RetryInterrupted(
      [&] { return preadv2(file, &place, 1, static_cast<off_t>(position), RWF_NOWAIT); });
  if (count >= 0) return Integer(arguments.env(), static_cast<int32_t>(count));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsRead));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "preadv2"));
}

napi_value IsCached(const Arguments& arguments) {
  const int file = File(arguments, 0);
  const FileRange range(arguments, 1);
  napi_value answer = nullptr;
  // Who cannot be told has to take it for absent.
  napi_get_boolean(arguments.env(), IsFileCached(file, range.offset, range.length) == Cached::kYes,
                   &answer);
  return answer;
}

napi_value Duplicate(const Arguments& arguments) {
  const int copy = fcntl(File(arguments, 0), F_DUPFD_CLOEXEC, 0);
  Environment& environment = arguments.environment();
  return Integer(arguments.env(),
                 copy < 0 ? environment.Fail(errno, "fcntl") : environment.HandOver(copy));
}

/// Whether `file` still has a name. Its last close(2) then leaves the blocks where they are.
bool HasName(int file) {
  struct statx state {};
  return statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &state) == 0 &&
         state.stx_nlink > 0;
}

/// A close(2) on a thread of libuv's pool. An environment that ends waits for it.
struct Closing {
  int file;
  napi_async_work work = nullptr;
};

napi_value CloseFile(const Arguments& arguments) {
  const napi_env env = arguments.env();
  auto closing = std::make_unique<Closing>(Closing{File(arguments, 0)});
  const bool is_local = arguments.Boolean(1, "isLocal");
  arguments.environment().descriptors().Remove(closing->file);
  if (is_local && HasName(closing->file)) {
    close(closing->file);
    return Undefined(env);
  }
  const auto execute = [](napi_env, void* data) { close(static_cast<Closing*>(data)->file); };
  const auto complete = [](napi_env env, napi_status, void* data) {
    const std::unique_ptr<Closing> done(static_cast<Closing*>(data));
    napi_delete_async_work(env, done->work);
  };
  napi_value name = nullptr;
  napi_create_string_utf8(env, "sluice:closeFile", NAPI_AUTO_LENGTH, &name);
  if (napi_create_async_work(env, nullptr, name, execute, complete, closing.get(),
                             &closing->work) == napi_ok &&
      napi_queue_async_work(env, closing->work) == napi_ok) {
    closing.release();
  } else {
    close(closing->file);
  }
  return Undefined(env);
}

}  // namespace

void DefineFileCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("sendFile", FunctionCallback<SendFile>, environment),
                  CallProperty("sendWithFile", FunctionCallback<SendWithFile>, environment),
                  CallProperty("trustSigpipe", FunctionCallback<TrustSigpipe>, environment),
                  CallProperty("readCached", FunctionCallback<ReadCached>, environment),
                  CallProperty("isFileCached", FunctionCallback<IsCached>, environment),
                  CallProperty("duplicateFile", FunctionCallback<Duplicate>, environment),
                  CallProperty("closeFile", FunctionCallback<CloseFile>, environment),
              });
}

}  // namespace sluice
