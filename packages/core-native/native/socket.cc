// See socket.h. Policy (which errno of accept is worth another try, for instance) lives in the
// reactor.
#include "socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "address.h"
#include "arguments.h"
#include "environment.h"
#include "listen_filter.h"
#include "socket_options.h"
#include "status.h"
#include "unique_fd.h"

namespace sluice {

namespace {

constexpr int kSocketFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

/// Runs a system call again while a signal interrupts it (signal(7)).
template <typename Call>
auto RetryInterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Hands a descriptor to JavaScript; the environment closes it at its own end if nobody else does.
napi_value HandOver(const Arguments& arguments, int fd) {
  arguments.environment().descriptors().Add(fd);
  return Integer(arguments.env(), fd);
}

/// The address, or nothing and a failure recorded that quotes the text.
std::optional<Address> ReadAddress(const Arguments& arguments, uint16_t port) {
  std::string text = arguments.Text(0, "address");
  std::optional<Address> address = Address::Parse(text, port);
  if (!address) {
    std::replace(text.begin(), text.end(), '\0', '?');
    arguments.environment().Fail(
        EINVAL, "inet_pton",
        "\"" + text.substr(0, 80) + "\" is not a numeric IPv4 or IPv6 address");
  }
  return address;
}

bool ReadOption(const Napi::Value& options, const char* name) {
  const Napi::Value value = options.As<Napi::Object>().Get(name);
  if (value.IsUndefined()) return false;
  if (!value.IsBoolean()) {
    throw Napi::TypeError::New(options.Env(),
                               std::string("\"options.") + name + "\" must be a boolean");
  }
  return value.As<Napi::Boolean>();
}

napi_value Listen(const Arguments& arguments) {
  const int port = arguments.Int(1, "port", 0, UINT16_MAX);
  const int backlog = arguments.Int(2, "backlog", 0, INT32_MAX);
  const Napi::Value options = arguments[3];
  if (!options.IsObject())
    throw Napi::TypeError::New(arguments.env(), "\"options\" must be an object");
  const bool reuse_port = ReadOption(options, "reusePort");
  const bool ipv6_only = ReadOption(options, "ipv6Only");
  Environment& environment = arguments.environment();
  const auto fail = [&](const char* call) {
    return Integer(arguments.env(), environment.Fail(errno, call));
  };

  const std::optional<Address> address = ReadAddress(arguments, static_cast<uint16_t>(port));
  if (!address) return Integer(arguments.env(), ToInt(Status::kFailed));
  UniqueFd fd(socket(address->family(), SOCK_STREAM | kSocketFlags, 0));
  if (!fd.valid()) return fail("socket");
  // Without it a restarted server waits out TIME_WAIT of its predecessor's connections (socket(7)).
  if (!SetIntOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return fail("setsockopt");
  if (reuse_port && !SetIntOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return fail("setsockopt");
  // Set both ways: the default is a sysctl (net.ipv6.bindv6only).
  if (address->family() == AF_INET6 &&
      !SetIntOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only)) {
    return fail("setsockopt");
  }
  if (bind(fd.get(), address->get(), address->length) != 0) return fail("bind");
  if (listen(fd.get(), backlog) != 0) return fail("listen");
  return HandOver(arguments, fd.Release());
}

napi_value RefuseNew(const Arguments& arguments) {
  if (RefuseNewcomers(arguments.Descriptor(0)))
    return Integer(arguments.env(), ToInt(Status::kDone));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "setsockopt"));
}

napi_value Accept(const Arguments& arguments) {
  const int listener = arguments.Descriptor(0);
  Address& peer = arguments.environment().accepted();
  const int fd = RetryInterrupted([&] {
    peer.length = sizeof(peer.storage);
    return accept4(listener, peer.get(), &peer.length, kSocketFlags);
  });
  if (fd >= 0) return HandOver(arguments, fd);
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
  if (fd >= 0) return HandOver(arguments, fd);
  return Integer(arguments.env(), arguments.environment().Fail(errno, "eventfd"));
}

napi_value Connect(const Arguments& arguments) {
  const int port = arguments.Int(1, "port", 0, UINT16_MAX);
  const std::optional<Address> address = ReadAddress(arguments, static_cast<uint16_t>(port));
  if (!address) return Integer(arguments.env(), ToInt(Status::kFailed));
  UniqueFd fd(socket(address->family(), SOCK_STREAM | kSocketFlags, 0));
  if (!fd.valid()) return Integer(arguments.env(), arguments.environment().Fail(errno, "socket"));
  // EINTR: the connection goes on being made and must not be asked for again (connect(2)).
  if (connect(fd.get(), address->get(), address->length) == 0 || errno == EINPROGRESS ||
      errno == EINTR) {
    return HandOver(arguments, fd.Release());
  }
  return Integer(arguments.env(), arguments.environment().Fail(errno, "connect"));
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
  if (getpeername(fd, peer.get(), &peer.length) == 0)
    return Integer(arguments.env(), ToInt(Status::kDone));
  if (errno != ENOTCONN) return Integer(arguments.env(), environment.Fail(errno, "getpeername"));
  // No peer and no error: in progress, unless the error was fetched before, which leaves the socket
  // writable for good.
  pollfd state{fd, POLLOUT, 0};
  if (poll(&state, 1, 0) == 0) return Integer(arguments.env(), ToInt(Status::kWantsWrite));
  return Integer(arguments.env(), environment.Fail(ENOTCONN, "connect"));
}

napi_value Receive(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const ByteRange range = arguments.Bytes(1);
  const ssize_t count = RetryInterrupted([&] { return recv(fd, range.data, range.length, 0); });
  if (count > 0) return Integer(arguments.env(), static_cast<int32_t>(count));
  if (count == 0) return Integer(arguments.env(), ToInt(Status::kEnded));
  if (WouldBlock(errno)) return Integer(arguments.env(), ToInt(Status::kWantsRead));
  return Integer(arguments.env(), arguments.environment().Fail(errno, "recv"));
}

napi_value Send(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  const ByteRange range = arguments.Bytes(1);
  // A dead peer answers EPIPE here instead of raising SIGPIPE, whatever the process does with that
  // signal (send(2)).
  const ssize_t count =
      RetryInterrupted([&] { return send(fd, range.data, range.length, MSG_NOSIGNAL); });
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
  throw Napi::TypeError::New(
      arguments.env(),
      "\"option\" must be one of noDelay, keepAlive, sendBufferBytes, receiveBufferBytes, "
      "lingerSeconds; received \"" +
          option + "\"");
}

}  // namespace

void DefineSocketCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("listen", FunctionCallback<Listen>, environment),
                  CallProperty("refuseNew", FunctionCallback<RefuseNew>, environment),
                  CallProperty("accept", FunctionCallback<Accept>, environment),
                  CallProperty("acceptedAddress", FunctionCallback<AcceptedAddress>, environment),
                  CallProperty("reserve", FunctionCallback<Reserve>, environment),
                  CallProperty("connect", FunctionCallback<Connect>, environment),
                  CallProperty("connectResult", FunctionCallback<ConnectResult>, environment),
                  CallProperty("recv", FunctionCallback<Receive>, environment),
                  CallProperty("send", FunctionCallback<Send>, environment),
                  CallProperty("shutdownWrite", FunctionCallback<ShutdownWrite>, environment),
                  CallProperty("close", FunctionCallback<Close>, environment),
                  CallProperty("localAddress", FunctionCallback<LocalAddress>, environment),
                  CallProperty("remoteAddress", FunctionCallback<RemoteAddress>, environment),
                  CallProperty("setOption", FunctionCallback<SetOption>, environment),
              });
}

}  // namespace sluice
