// See epoll_watcher.h.
#include "epoll_watcher.h"

#include <utility>

namespace sluice {

EpollWatcher* EpollWatcher::Start(napi_env env, int fd, Owner& owner, int* error) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    *error = UV_EINVAL;
    return nullptr;
  }
  auto* watcher = new EpollWatcher(owner);
  watcher->poll_.data = watcher;
  *error = uv_poll_init(loop, &watcher->poll_, fd);
  if (*error != 0) {
    delete watcher;
    return nullptr;
  }
  // From here on the handle belongs to the loop, and only its close callback may free it.
  *error = uv_poll_start(&watcher->poll_, UV_READABLE, OnPoll);
  if (*error == 0 &&
      napi_add_async_cleanup_hook(env, OnTeardown, watcher, &watcher->hook_) != napi_ok) {
    *error = UV_ENOMEM;
  }
  if (*error == 0) return watcher;
  watcher->Close();
  return nullptr;
}

void EpollWatcher::SetRef(bool keeps_alive) {
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_);
  if (keeps_alive) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void EpollWatcher::Close() {
  if (std::exchange(owner_, nullptr) == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* watcher = static_cast<EpollWatcher*>(handle->data);
    // Also tells an environment that is waiting in its teardown that this handle has gone.
    if (watcher->hook_ != nullptr) napi_remove_async_cleanup_hook(watcher->hook_);
    delete watcher;
  });
}

void EpollWatcher::OnPoll(uv_poll_t* poll, int status, int /*events*/) {
  auto* watcher = static_cast<EpollWatcher*>(poll->data);
  if (watcher->owner_ != nullptr) watcher->owner_->OnReady(status);
}

void EpollWatcher::OnTeardown(napi_async_cleanup_hook_handle /*handle*/, void* data) {
  auto* watcher = static_cast<EpollWatcher*>(data);
  // Null when close() came first and its callback is still to run: that callback ends the wait.
  if (watcher->owner_ == nullptr) return;
  Owner& owner = *watcher->owner_;
  watcher->Close();
  owner.OnTeardown();
}

}  // namespace sluice
