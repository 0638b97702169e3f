// See socket.h. Policy (which errno of accept is worth another try, for instance) lives in the
// reactor.
#include "socket.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "address.h"
#include "arguments.h"
#include "environment.h"
#include "listen_filter.h"
#include "retry.h"
#include "socket_options.h"
#include "status.h"
#include "tcp_info.h"
#include "unique_fd.h"

namespace sluice {

namespace {

napi_value RefuseNew(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const std::string by = arguments.Text(1, "by");
  if (by != "filter" && by != "hopLimit") {
    throw Napi::TypeError::New(arguments.env(), "\"by\" must be filter or hopLimit");
  }
  if (by == "filter" ? RefuseByFilter(fd) : RefuseByHopLimit(fd))
    return Integer(arguments.env(), ToInt(Status::kDone));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "setsockopt"));
}

napi_value Welcome(const Arguments& arguments) {
  TakeOffRefusal(arguments.Descriptor(0));
  return Undefined(arguments.env());
}

napi_value Accept(const Arguments& arguments) {
  const int listener = arguments.Descriptor(0);
  Address& peer = arguments.environment().accepted();
  const int fd = RetryInterrupted([&] {
    peer.length = sizeof(peer.storage);
    return accept4(listener, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (fd >= 0) return Integer(arguments.env(), arguments.environment().HandOver(fd));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsRead));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "accept4"));
}

napi_value AcceptedAddress(const Arguments& arguments) {
  const std::string text = arguments.environment().accepted().NumericText();
  return Napi::String::New(arguments.env(), text);
}

napi_value Reserve(const Arguments& arguments) {
  // An eventfd needs no path, so that it is to be had in a chroot without /dev too.
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Environment& environment = arguments.environment();
  return Integer(arguments.env(),
                 fd < 0 ? environment.Fail(errno, "eventfd") : environment.HandOver(fd));
}

/// Whether a socket is its own peer. A SYN to a local port that nobody listens on, sent from that
/// very port, meets itself and succeeds (simultaneous open, RFC 9293 section 3.5), and the kernel
/// may choose such a port.
bool IsItself(int fd, const Address& peer) {
  if (peer.port() == 0) return false;
  Address local;
  local.length = sizeof(local.storage);
  return getsockname(fd, local.get(), &local.length) == 0 && local.SameAs(peer);
}

napi_value ConnectResult(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  Environment& environment = arguments.environment();
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    return Integer(arguments.env(), environment.Fail(errno, "getsockopt"));
  }
  if (error != 0) return Integer(arguments.env(), environment.Fail(error, "connect"));
  // SO_ERROR is 0 both when connected and while still trying; only the first has a peer.
  Address peer;
  peer.length = sizeof(peer.storage);
  if (getpeername(fd, peer.get(), &peer.length) == 0) {
    if (!IsItself(fd, peer)) return Integer(arguments.env(), ToInt(Status::kDone));
    return Integer(arguments.env(), environment.Fail(ECONNREFUSED, "connect"));
  }
  if (errno != ENOTCONN) return Integer(arguments.env(), environment.Fail(errno, "getpeername"));
  // No peer and no error: in progress, unless the error was fetched before, which leaves the socket
  // writable for good.
  pollfd state{fd, POLLOUT, 0};
  if (poll(&state, 1, 0) == 0) return Integer(arguments.env(), ToInt(Status::kWantsWrite));
  return Integer(arguments.env(), environment.Fail(ENOTCONN, "connect"));
}

template <int Flags>
napi_value Receive(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const ByteRange range = arguments.Bytes(1);
  const ssize_t count = RetryInterrupted([&] { return recv(fd, range.data, range.length, Flags); });
  if (count > 0) return Integer(arguments.env(), static_cast<int32_t>(count));
  if (count == 0) return Integer(arguments.env(), ToInt(Status::kEnded));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsRead));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "recv"));
}

template <int Flags>
napi_value Send(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const ByteRange range = arguments.Bytes(1);
  // A dead peer answers EPIPE here instead of raising SIGPIPE, whatever the process does with that
  // signal (send(2)).
  const ssize_t count =
      RetryInterrupted([&] { return send(fd, range.data, range.length, MSG_NOSIGNAL | Flags); });
  if (count >= 0) return Integer(arguments.env(), static_cast<int32_t>(count));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsWrite));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "send"));
}

napi_value ShutdownWrite(const Arguments& arguments) {
  if (shutdown(arguments.Descriptor(0), SHUT_WR) == 0)
    return Integer(arguments.env(), ToInt(Status::kDone));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "shutdown"));
}

napi_value Close(const Arguments& arguments) {
  UniqueFd fd(arguments.Descriptor(0));
  arguments.environment().descriptors().Remove(fd.get());
  fd.Reset();
  return Undefined(arguments.env());
}

template <auto Query>
napi_value AddressOf(const Arguments& arguments, const char* call) {
  Address address;
  address.length = sizeof(address.storage);
  if (Query(arguments.Descriptor(0), address.get(), &address.length) == 0)
    return address.ToObject(arguments.env());
  arguments.environment().Fail(errno, call);
  return Undefined(arguments.env());
}

napi_value LocalAddress(const Arguments& arguments) {
  return AddressOf<getsockname>(arguments, "getsockname");
}

napi_value RemoteAddress(const Arguments& arguments) {
  return AddressOf<getpeername>(arguments, "getpeername");
}

napi_value TcpInfoOf(const Arguments& arguments) {
  const Napi::Value info = TcpInfo(arguments.env(), arguments.Descriptor(0));
  if (info.IsUndefined()) arguments.environment().Fail(errno, "getsockopt");
  return info;
}

napi_value SetOption(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const std::string option = arguments.Text(1, "option");
  const int value = arguments.Int(2, "value", INT32_MIN, INT32_MAX);
  switch (SetSocketOption(fd, option, value)) {
    case OptionResult::kDone:
      return Integer(arguments.env(), ToInt(Status::kDone));
    case OptionResult::kRefused:
      return Integer(arguments.env(), arguments.environment().Fail(errno, "setsockopt"));
    case OptionResult::kUnknown:
      break;
  }
  ThrowUnknownOption(arguments.env(), option);
}

napi_value GetOption(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const std::string option = arguments.Text(1, "option");
  int value = 0;
  switch (GetSocketOption(fd, option, value)) {
    case OptionResult::kDone:
      return Integer(arguments.env(), value);
    case OptionResult::kRefused:
      arguments.environment().Fail(errno, "getsockopt");
      return Undefined(arguments.env());
    case OptionResult::kUnknown:
      break;
  }
  ThrowUnknownOption(arguments.env(), option);
}

}  // namespace

void DefineSocketCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("refuseNew", FunctionCallback<RefuseNew>, environment),
                  CallProperty("welcome", FunctionCallback<Welcome>, environment),
                  CallProperty("accept", FunctionCallback<Accept>, environment),
                  CallProperty("acceptedAddress", FunctionCallback<AcceptedAddress>, environment),
                  CallProperty("reserve", FunctionCallback<Reserve>, environment),
                  CallProperty("connectResult", FunctionCallback<ConnectResult>, environment),
                  CallProperty("recv", FunctionCallback<Receive<0>>, environment),
                  CallProperty("peek", FunctionCallback<Receive<MSG_PEEK>>, environment),
                  CallProperty("send", FunctionCallback<Send<0>>, environment),
                  CallProperty("sendMore", FunctionCallback<Send<MSG_MORE>>, environment),
                  CallProperty("shutdownWrite", FunctionCallback<ShutdownWrite>, environment),
                  CallProperty("close", FunctionCallback<Close>, environment),
                  CallProperty("localAddress", FunctionCallback<LocalAddress>, environment),
                  CallProperty("remoteAddress", FunctionCallback<RemoteAddress>, environment),
                  CallProperty("tcpInfo", FunctionCallback<TcpInfoOf>, environment),
                  CallProperty("setOption", FunctionCallback<SetOption>, environment),
                  CallProperty("getOption", FunctionCallback<GetOption>, environment),
              });
}

}  // namespace sluice
