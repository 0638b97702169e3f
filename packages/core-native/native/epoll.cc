// See epoll.h.
#include "epoll.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "readiness.h"

namespace sluice {

namespace {

/// EVENT_FIELDS of the contract: slot, generation, ready bits.
constexpr size_t kEventFields = 3;

/// epoll_event.data carries both numbers, so that an event of a closed connection can be told from
/// one of its successor in the same slot (P6).
constexpr uint64_t Pack(int32_t slot, int32_t generation) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(generation)) << 32) |
         static_cast<uint32_t>(slot);
}

}  // namespace

Napi::Function Epoll::Define(Napi::Env env, Environment& environment) {
  return DefineClass(env, "Epoll",
                     {CallProperty("add", MethodCallback<Epoll, &Epoll::Add>, environment),
                      CallProperty("modify", MethodCallback<Epoll, &Epoll::Modify>, environment),
                      CallProperty("remove", MethodCallback<Epoll, &Epoll::Remove>, environment),
                      CallProperty("wait", MethodCallback<Epoll, &Epoll::Wait>, environment),
                      CallProperty("watch", MethodCallback<Epoll, &Epoll::Watch>, environment),
                      CallProperty("ref", MethodCallback<Epoll, &Epoll::KeepAlive>, environment),
                      CallProperty("unref", MethodCallback<Epoll, &Epoll::LetGo>, environment),
                      CallProperty("close", MethodCallback<Epoll, &Epoll::Close>, environment)},
                     &environment);
}

Epoll::Epoll(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Epoll>(info),
      environment_(static_cast<Environment*>(info.Data())->shared_from_this()) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw Napi::TypeError::New(env, "\"events\" must be an Int32Array");
  }
  const size_t capacity = info[0].As<Napi::TypedArray>().ElementLength() / kEventFields;
  if (capacity == 0)
    throw Napi::RangeError::New(env, "\"events\" must hold at least one event of 3 integers");
  table_ = Napi::Persistent(info[0].As<Napi::Object>());
  batch_.resize(capacity);
  fd_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!fd_.valid()) throw Failure::System(errno, "epoll_create1").ToError(env);
  live_.emplace(environment_->live().epolls);
}

Epoll::~Epoll() {
  StopWatching();
  // Not in close(), which the callback may call: it runs inside this context.
  if (async_context_ != nullptr) napi_async_destroy(Env(), async_context_);
}

napi_value Epoll::Add(const Arguments& arguments) {
  Control(arguments, EPOLL_CTL_ADD);
  return Undefined(arguments.env());
}

napi_value Epoll::Modify(const Arguments& arguments) {
  Control(arguments, EPOLL_CTL_MOD);
  return Undefined(arguments.env());
}

void Epoll::Control(const Arguments& arguments, int operation) {
  ThrowIfClosed(arguments.env());
  const int fd = arguments.Descriptor(0);
  const int32_t slot = arguments.Int(1, "slot", 0, INT32_MAX);
  const int32_t generation = arguments.Int(2, "generation", 0, INT32_MAX);
  epoll_event event{};
  event.events = ToEpollEvents(arguments.Int(3, "interest", 0, kInterestAll));
  event.data.u64 = Pack(slot, generation);
  if (epoll_ctl(fd_.get(), operation, fd, &event) != 0) {
    throw Failure::System(errno, "epoll_ctl").ToError(arguments.env());
  }
}

napi_value Epoll::Remove(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  if (epoll_ctl(fd_.get(), EPOLL_CTL_DEL, arguments.Descriptor(0), nullptr) == 0)
    return Undefined(arguments.env());
  const int error = errno;
  // EBADF: closed before. ENOENT: closed before, and the number is another file's by now, which is
  // not registered here.
  if (error == EBADF || error == ENOENT) return Undefined(arguments.env());
  throw Failure::System(error, "epoll_ctl").ToError(arguments.env());
}

napi_value Epoll::Wait(const Arguments& arguments) {
  ThrowIfClosed(arguments.env());
  return Integer(arguments.env(), Collect(arguments.Int(0, "timeoutMs", -1, INT32_MAX)));
}

int32_t Epoll::Collect(int timeout_ms) {
  const Napi::Env env = table_.Env();
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  napi_get_typedarray_info(env, table_.Value(), &type, &length, &data, nullptr, nullptr);
  const size_t capacity = std::min(length / kEventFields, batch_.size());
  if (capacity == 0) {
    throw Napi::Error::New(env,
                           "The event table is gone: its ArrayBuffer was transferred or resized");
  }
  const int count = epoll_wait(fd_.get(), batch_.data(), static_cast<int>(capacity), timeout_ms);
  // A signal ends the wait with an empty batch, as a timeout does; the caller's loop comes back by
  // itself.
  if (count < 0 && errno == EINTR) return 0;
  if (count < 0) throw Failure::System(errno, "epoll_wait").ToError(env);
  auto* field = static_cast<int32_t*>(data);
  for (int index = 0; index < count; ++index) {
    const uint64_t packed = batch_[index].data.u64;
    *field++ = static_cast<int32_t>(packed & 0xffff'ffff);
    *field++ = static_cast<int32_t>(packed >> 32);
    *field++ = ToReady(batch_[index].events);
  }
  return count;
}

napi_value Epoll::Watch(const Arguments& arguments) {
  const Napi::Env env = arguments.env();
  ThrowIfClosed(env);
  if (!arguments[0].IsFunction()) throw Napi::TypeError::New(env, "\"onReady\" must be a function");
  if (watcher_ != nullptr) throw Napi::Error::New(env, "This epoll is watched already");
  int error = 0;
  watcher_ = EpollWatcher::Start(env, fd_.get(), *this, &error);
  if (watcher_ == nullptr) throw Failure::System(-error, "uv_poll_init").ToError(env);
  watcher_->SetRef(keeps_alive_);
  on_ready_ = Napi::Persistent(arguments[0].As<Napi::Function>());
  // Without a resource object of ours Node makes one and holds it; Napi::AsyncContext passes one
  // that the collector takes, and the AsyncLocalStorage of whoever called watch() with it.
  napi_async_init(env, nullptr, Napi::String::New(env, "SluiceEpoll"), &async_context_);
  // A watched epoll that nobody holds any more must stay: its callback is how the program hears of
  // its sockets.
  Ref();
  return Undefined(env);
}

void Epoll::OnReady(int error) {
  const Napi::Env env = table_.Env();
  const Napi::HandleScope scope(env);
  try {
    if (error != 0) {
      StopWatching();
      throw Failure::System(-error, "uv_poll_start").ToError(env);
    }
    const int32_t count = Collect(0);
    // Zero when somebody emptied it by wait() in the meantime.
    if (count > 0) Dispatch(env, count);
  } catch (const Napi::Error& thrown) {
    napi_fatal_exception(env, thrown.Value());
  }
}

void Epoll::Dispatch(napi_env env, int32_t count) {
  // The function and its argument are held by this scope: the callback may close this epoll, which
  // drops our reference.
  const napi_value callback = on_ready_.Value();
  const napi_value argument = Integer(env, count);
  napi_value global = nullptr;
  napi_get_global(env, &global);
  // Statuses instead of napi.h, which ends the process when an environment in termination refuses
  // to make an Error.
  if (napi_make_callback(env, async_context_, global, callback, 1, &argument, nullptr) !=
      napi_pending_exception)
    return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

napi_value Epoll::KeepAlive(const Arguments& arguments) {
  SetRef(true);
  return Undefined(arguments.env());
}

napi_value Epoll::LetGo(const Arguments& arguments) {
  SetRef(false);
  return Undefined(arguments.env());
}

void Epoll::SetRef(bool keeps_alive) {
  keeps_alive_ = keeps_alive;
  if (watcher_ != nullptr) watcher_->SetRef(keeps_alive);
}

napi_value Epoll::Close(const Arguments& arguments) {
  StopWatching();
  fd_.Reset();
  live_.reset();
  return Undefined(arguments.env());
}

void Epoll::StopWatching() {
  if (watcher_ == nullptr) return;
  std::exchange(watcher_, nullptr)->Close();
  on_ready_.Reset();
  Unref();
}

void Epoll::OnTeardown() { watcher_ = nullptr; }

void Epoll::ThrowIfClosed(napi_env env) const {
  if (fd_.valid()) return;
  Napi::Error error = Napi::Error::New(env, "This epoll is closed");
  error.Set("code", "ERR_CLOSED");
  throw error;
}

}  // namespace sluice
