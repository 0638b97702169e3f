// The C library's own functions behind those that the fault library puts before them.
#pragma once

#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::testing {

struct RealCalls {
  decltype(&::recv) recv;
  decltype(&::send) send;
  decltype(&::recvmsg) recvmsg;
  decltype(&::sendmsg) sendmsg;
  decltype(&::sendfile64) sendfile64;
  decltype(&::accept4) accept4;
  decltype(&::connect) connect;
  decltype(&::getsockopt) getsockopt;
  decltype(&::epoll_ctl) epoll_ctl;
  decltype(&::epoll_wait) epoll_wait;
  decltype(&::close) close;
};

const RealCalls& real();

}  // namespace sluice::testing
