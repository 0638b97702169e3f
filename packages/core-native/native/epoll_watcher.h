// Lets Node's own loop watch an epoll descriptor. Owns the uv_poll_t and the environment's cleanup
// hook; libuv keeps using a handle until its close callback, so this object deletes itself there
// and nowhere else. Rule: after Close() the owner hears nothing more.
#pragma once

#include <node_api.h>
#include <uv.h>

namespace sluice {

class EpollWatcher {
 public:
  class Owner {
   public:
    /// Descriptors may be ready. `error` is 0, or libuv's negative code when the descriptor cannot
    /// be watched any more.
    virtual void OnReady(int error) = 0;
    /// The environment ends; the watcher is closed already and must be forgotten.
    virtual void OnTeardown() = 0;

   protected:
    ~Owner() = default;
  };

  /// Starts watching `fd`; null when libuv refuses, with its code in `error`.
  static EpollWatcher* Start(napi_env env, int fd, Owner& owner, int* error);

  void SetRef(bool keeps_alive);
  /// Stops at once; the descriptor may be closed right after (uv_poll_t). May be called from inside
  /// OnReady.
  void Close();

 private:
  explicit EpollWatcher(Owner& owner) : owner_(&owner) {}
  ~EpollWatcher() = default;

  static void OnPoll(uv_poll_t* poll, int status, int events);
  static void OnTeardown(napi_async_cleanup_hook_handle handle, void* data);

  uv_poll_t poll_{};
  Owner* owner_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace sluice
