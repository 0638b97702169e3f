// The edge-triggered readiness source of one reactor (`NativeEpoll` of src/contract.ts): an epoll
// descriptor and the table in which events reach JavaScript. Rule: EPOLLET always, and one crossing
// into JavaScript a batch.
#pragma once

#include <napi.h>
#include <sys/epoll.h>

#include <memory>
#include <optional>
#include <vector>

#include "arguments.h"
#include "environment.h"
#include "epoll_watcher.h"
#include "unique_fd.h"

namespace sluice {

class Epoll final : public Napi::ObjectWrap<Epoll>, private EpollWatcher::Owner {
 public:
  static Napi::Function Define(Napi::Env env, Environment& environment);

  explicit Epoll(const Napi::CallbackInfo& info);
  ~Epoll();

 private:
  napi_value Add(const Arguments& arguments);
  napi_value Modify(const Arguments& arguments);
  napi_value Remove(const Arguments& arguments);
  napi_value Wait(const Arguments& arguments);
  napi_value Watch(const Arguments& arguments);
  napi_value KeepAlive(const Arguments& arguments);
  napi_value LetGo(const Arguments& arguments);
  napi_value Close(const Arguments& arguments);

  void OnReady(int error) override;
  void OnTeardown() override;

  void Control(const Arguments& arguments, int operation);
  int32_t Collect(int timeout_ms);
  void Dispatch(napi_env env, int32_t count);
  void SetRef(bool keeps_alive);
  void StopWatching();
  void ThrowIfClosed(napi_env env) const;

  std::shared_ptr<Environment> environment_;
  std::optional<LiveCount> live_;
  UniqueFd fd_;
  /// The table. Its address is looked up for each batch: its ArrayBuffer may have been transferred
  /// meanwhile, which no reference prevents.
  Napi::ObjectReference table_;
  std::vector<epoll_event> batch_;

  EpollWatcher* watcher_ = nullptr;
  bool keeps_alive_ = true;
  Napi::FunctionReference on_ready_;
  napi_async_context async_context_ = nullptr;
};

}  // namespace sluice
