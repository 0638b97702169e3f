// See real_calls.h.
#include "real_calls.h"

#include <dlfcn.h>

namespace sluice::testing {

namespace {

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

const RealCalls& real() {
  // Not a global: others' constructors may close descriptors before ours would run.
  static const RealCalls calls{
      Next<decltype(&::recv)>("recv"),
      Next<decltype(&::send)>("send"),
      Next<decltype(&::recvmsg)>("recvmsg"),
      Next<decltype(&::sendmsg)>("sendmsg"),
      Next<decltype(&::sendfile64)>("sendfile64"),
      Next<decltype(&::accept4)>("accept4"),
      Next<decltype(&::connect)>("connect"),
      Next<decltype(&::getsockopt)>("getsockopt"),
      Next<decltype(&::epoll_ctl)>("epoll_ctl"),
      Next<decltype(&::epoll_wait)>("epoll_wait"),
      Next<decltype(&::close)>("close"),
  };
  return calls;
}

}  // namespace sluice::testing
