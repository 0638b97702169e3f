// See open_file.h.
#include "open_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "arguments.h"
#include "environment.h"
#include "retry.h"
#include "status.h"
#include "unique_fd.h"

namespace sluice {

namespace {

// The headers of an older C library or kernel lack these; the numbers are the same everywhere.
constexpr long kOpenat2 = 437;
constexpr uint64_t kNoXdev = 0x01;
constexpr uint64_t kNoMagicLinks = 0x02;
constexpr uint64_t kBeneath = 0x08;
constexpr uint64_t kCached = 0x20;

struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

/// Without O_NONBLOCK a FIFO that nobody writes to would keep its thread.
constexpr int kToRead = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// A rename anywhere may make the kernel give up what it resolved (openat2(2), EAGAIN).
constexpr int kAttempts = 64;

/// FILE_FACTS of the contract, in its order.
enum Fact {
  kKind,
  kSize,
  kSeconds,
  kNanoseconds,
  kDevice,
  kInodeHigh,
  kInodeLow,
  kIsLocal,
  kChangedSeconds,
  kChangedNanoseconds,
  kFacts
};
using Facts = std::array<double, kFacts>;

int OpenWithin(int folder, const std::string& path, uint64_t resolve) {
  OpenHow how{static_cast<uint64_t>(kToRead), 0, resolve | kBeneath | kNoMagicLinks};
  return static_cast<int>(syscall(kOpenat2, folder, path.c_str(), &how, sizeof(how)));
}

Facts FactsOf(const struct statx& state) {
  Facts facts{};
  const mode_t mode = state.stx_mode;
  facts[kKind] = S_ISREG(mode) ? 1 : S_ISDIR(mode) ? 2 : 0;
  facts[kSize] = static_cast<double>(state.stx_size);
  facts[kSeconds] = static_cast<double>(state.stx_mtime.tv_sec);
  facts[kNanoseconds] = state.stx_mtime.tv_nsec;
  facts[kDevice] = static_cast<double>(makedev(state.stx_dev_major, state.stx_dev_minor));
  facts[kInodeHigh] = static_cast<double>(state.stx_ino >> 32);
  facts[kInodeLow] = static_cast<double>(state.stx_ino & 0xffff'ffff);
  facts[kChangedSeconds] = static_cast<double>(state.stx_ctime.tv_sec);
  facts[kChangedNanoseconds] = state.stx_ctime.tv_nsec;
  return facts;
}

/// What is known without asking whoever has the file: of an open one (`path` is empty) nothing
/// waits here, on any file system.
bool Look(int file, const char* path, Facts& facts) {
  struct statx state {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(file, path, kFlags, STATX_BASIC_STATS, &state) != 0) return false;
  facts = FactsOf(state);
  return true;
}

/// Whether opening and closing files there asks nobody but this kernel: neither a server far away
/// nor a program (FUSE). May wait.
bool IsLocal(int file) {
  constexpr uint32_t kLocal[] = {
      0xEF53 /* ext2 to ext4 */, 0x58465342 /* XFS */,      0x9123683E /* Btrfs */,
      0x01021994 /* tmpfs */,    0x858458F6 /* ramfs */,    0x794C7630 /* overlayfs */,
      0xF2F52010 /* F2FS */,     0xE0F5E1E2 /* EROFS */,    0x73717368 /* SquashFS */,
      0x2FC12FC1 /* ZFS */,      0xCA451A4E /* bcachefs */,
  };
  struct statfs state {};
  if (fstatfs(file, &state) != 0) return false;
  return std::find(std::begin(kLocal), std::end(kLocal), static_cast<uint32_t>(state.f_type)) !=
         std::end(kLocal);
}

/// A path as the system calls take it: a NUL in it would hide the rest.
std::string Path(const Arguments& arguments, size_t index) {
  std::string path = arguments.Text(index, "path");
  if (path.find('\0') == std::string::npos) return path;
  throw Napi::RangeError::New(arguments.env(), "\"path\" must not contain a NUL");
}

double* FactTable(const Arguments& arguments, size_t index) {
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(arguments.env(), arguments[index], &type, &length, &data, nullptr,
                               nullptr) == napi_ok &&
      type == napi_float64_array && length >= kFacts) {
    return static_cast<double*>(data);
  }
  throw Napi::TypeError::New(arguments.env(), "\"facts\" must be a Float64Array of FILE_FACTS");
}

napi_value OpenFile(const Arguments& arguments) {
  const int folder = arguments.Int(0, "folder", 0, INT32_MAX);
  const std::string path = Path(arguments, 1);
  double* const told = FactTable(arguments, 2);
  Environment& environment = arguments.environment();
  // NO_XDEV: what is mounted below may belong to somebody who takes his time.
  UniqueFd file(RetryInterrupted([&] { return OpenWithin(folder, path, kCached | kNoXdev); }));
  if (file.get() < 0) return Integer(arguments.env(), environment.Fail(errno, "openat2"));
  Facts facts{};
  if (!Look(file.get(), "", facts))
    return Integer(arguments.env(), environment.Fail(errno, "statx"));
  facts[kIsLocal] = 1;
  std::copy(facts.begin(), facts.end(), told);
  return Integer(arguments.env(), environment.HandOver(file.Release()));
}

napi_value IsSameFile(const Arguments& arguments) {
  const int folder = arguments.Int(0, "folder", 0, INT32_MAX);
  const std::string path = Path(arguments, 1);
  const double* const told = FactTable(arguments, 2);
  Facts now{};
  // An empty path would be the folder itself.
  bool is_same = !path.empty() && Look(folder, path.c_str(), now);
  now[kIsLocal] = told[kIsLocal];
  is_same = is_same && std::equal(now.begin(), now.end(), told);
  napi_value answer = nullptr;
  napi_get_boolean(arguments.env(), is_same, &answer);
  return answer;
}

class Opening : public Napi::AsyncWorker {
 public:
  Opening(const Napi::Function& done, std::shared_ptr<Environment> environment, UniqueFd folder,
          std::string path)
      : Napi::AsyncWorker(done, "sluice:openFile"),
        environment_(std::move(environment)),
        folder_(std::move(folder)),
        path_(std::move(path)) {}

  void Execute() override {
    file_ = UniqueFd(Open());
    if (file_.get() < 0) return FailedAt("open");
    if (!Look(file_.get(), "", facts_)) return FailedAt("statx");
    facts_[kIsLocal] = IsLocal(file_.get()) ? 1 : 0;
    folder_.Reset();
  }

  void OnOK() override {
    const Napi::Env env = Env();
    if (error_ != 0) {
      Callback().Call({Napi::Number::New(env, environment_->Fail(error_, call_))});
      return;
    }
    auto facts = Napi::Float64Array::New(env, kFacts);
    std::copy(facts_.begin(), facts_.end(), facts.Data());
    Callback().Call({Napi::Number::New(env, environment_->HandOver(file_.Release())), facts});
  }

 private:
  int Open() const {
    if (folder_.get() < 0) return RetryInterrupted([&] { return open(path_.c_str(), kToRead); });
    int file = -1;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      file = RetryInterrupted([&] { return OpenWithin(folder_.get(), path_, 0); });
      if (file >= 0 || errno != EAGAIN) break;
    }
    return file;
  }

  void FailedAt(const char* call) {
    error_ = errno;
    call_ = call;
    file_.Reset();
  }

  const std::shared_ptr<Environment> environment_;
  UniqueFd folder_;
  const std::string path_;
  UniqueFd file_;
  Facts facts_{};
  int error_ = 0;
  const char* call_ = "";
};

napi_value OpenFileLater(const Arguments& arguments) {
  const int folder = arguments.Int(0, "folder", -1, INT32_MAX);
  std::string path = Path(arguments, 1);
  const Napi::Value done = arguments[2];
  if (!done.IsFunction())
    throw Napi::TypeError::New(arguments.env(), "\"done\" must be a function");
  Environment& environment = arguments.environment();
  // One of its own: the caller may close the folder while the thread is at work.
  UniqueFd own(folder < 0 ? -1 : fcntl(folder, F_DUPFD_CLOEXEC, 0));
  if (folder >= 0 && own.get() < 0)
    return Integer(arguments.env(), environment.Fail(errno, "fcntl"));
  // Deletes itself when it is done.
  (new Opening(done.As<Napi::Function>(), environment.shared_from_this(), std::move(own),
               std::move(path)))
      ->Queue();
  return Integer(arguments.env(), ToInt(Status::kDone));
}

}  // namespace

void DefineOpenFileCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("openFile", FunctionCallback<OpenFile>, environment),
                  CallProperty("isSameFile", FunctionCallback<IsSameFile>, environment),
                  CallProperty("openFileLater", FunctionCallback<OpenFileLater>, environment),
              });
}

}  // namespace sluice
