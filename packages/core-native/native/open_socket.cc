// See open_socket.h. Options are set before bind, listen and connect: the receive buffer decides
// the window scale, which is settled by the SYN (tcp(7)).
#include "open_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "address.h"
#include "arguments.h"
#include "environment.h"
#include "socket_options.h"
#include "status.h"
#include "unique_fd.h"

namespace sluice {

namespace {

/// A failure as the integer that JavaScript gets.
napi_value Fail(const Arguments& arguments, const char* call) {
  return Integer(arguments.env(), arguments.environment().Fail(errno, call));
}

napi_value FailWith(const Arguments& arguments, int error, const char* call,
                    const std::string& reason) {
  return Integer(arguments.env(), arguments.environment().Fail(error, call, reason));
}

/// Says of a text of the caller what it is not.
napi_value Refuse(const Arguments& arguments, std::string text, const char* call,
                  const char* what) {
  std::replace(text.begin(), text.end(), '\0', '?');
  return FailWith(arguments, EINVAL, call, "\"" + text.substr(0, 80) + "\" is not " + what);
}

constexpr const char* kNumeric = "a numeric IPv4 or IPv6 address";
constexpr const char* kUnixPath =
    "the path of a Unix socket: 1 to 107 bytes, with a NUL at most in front";

/// `options`, an object; undefined where it may be left out.
Napi::Object ReadOptions(const Arguments& arguments, size_t index, bool optional) {
  const Napi::Value value = arguments[index];
  if (optional && value.IsUndefined()) return Napi::Object::New(arguments.env());
  if (!value.IsObject())
    throw Napi::TypeError::New(arguments.env(), "\"options\" must be an object");
  return value.As<Napi::Object>();
}

bool ReadFlag(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsUndefined()) return false;
  if (!value.IsBoolean()) {
    throw Napi::TypeError::New(options.Env(),
                               std::string("\"options.") + name + "\" must be a boolean");
  }
  return value.As<Napi::Boolean>();
}

UniqueFd NewSocket(int family) {
  return UniqueFd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool SetAll(int fd, const SocketOptionList& options) {
  return std::all_of(options.begin(), options.end(), [&](const auto& option) {
    return SetSocketOption(fd, option.first, option.second) == OptionResult::kDone;
  });
}

napi_value BindAndListen(const Arguments& arguments, UniqueFd fd, const Address& address,
                         int backlog, const SocketOptionList& options) {
  if (!SetAll(fd.get(), options)) return Fail(arguments, "setsockopt");
  if (bind(fd.get(), address.get(), address.length) != 0) return Fail(arguments, "bind");
  if (listen(fd.get(), backlog) != 0) return Fail(arguments, "listen");
  return Integer(arguments.env(), arguments.environment().HandOver(fd.Release()));
}

napi_value Listen(const Arguments& arguments) {
  const std::string text = arguments.Text(0, "address");
  const int port = arguments.Int(1, "port", 0, UINT16_MAX);
  const int backlog = arguments.Int(2, "backlog", 0, INT32_MAX);
  const Napi::Object options = ReadOptions(arguments, 3, false);
  const bool reuse_port = ReadFlag(options, "reusePort");
  const bool ipv6_only = ReadFlag(options, "ipv6Only");
  const SocketOptionList socket_options = ReadSocketOptions(options.Get("socketOptions"));

  const std::optional<Address> address = Address::Parse(text, static_cast<uint16_t>(port));
  if (!address) return Refuse(arguments, text, "inet_pton", kNumeric);
  UniqueFd fd = NewSocket(address->family());
  if (!fd.valid()) return Fail(arguments, "socket");
  // Without it a restarted server waits out TIME_WAIT of its predecessor's connections (socket(7)).
  if (!SetIntOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1)) return Fail(arguments, "setsockopt");
  if (reuse_port && !SetIntOption(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1))
    return Fail(arguments, "setsockopt");
  // Set both ways: the default is a sysctl (net.ipv6.bindv6only).
  if (address->family() == AF_INET6 &&
      !SetIntOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, ipv6_only)) {
    return Fail(arguments, "setsockopt");
  }
  return BindAndListen(arguments, std::move(fd), *address, backlog, socket_options);
}

napi_value ListenUnix(const Arguments& arguments) {
  const std::string path = arguments.Text(0, "path");
  const int backlog = arguments.Int(1, "backlog", 0, INT32_MAX);
  const SocketOptionList socket_options = ReadSocketOptions(arguments[2]);
  const std::optional<Address> address = Address::Unix(path);
  if (!address) return Refuse(arguments, path, "bind", kUnixPath);
  UniqueFd fd = NewSocket(AF_UNIX);
  if (!fd.valid()) return Fail(arguments, "socket");
  return BindAndListen(arguments, std::move(fd), *address, backlog, socket_options);
}

napi_value Adopt(const Arguments& arguments) {
  const int fd = arguments.Descriptor(0);
  int type = 0;
  socklen_t length = sizeof(type);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
    return Fail(arguments, "getsockopt");
  if (type != SOCK_STREAM)
    return FailWith(arguments, ESOCKTNOSUPPORT, "adopt", "it is not a stream socket");
  int listens = 0;
  length = sizeof(listens);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0)
    return Fail(arguments, "getsockopt");
  if (listens == 0) return FailWith(arguments, EINVAL, "adopt", "it does not listen");
  // Taken over twice it would be closed twice, the second time as somebody else's.
  if (arguments.environment().descriptors().Has(fd))
    return FailWith(arguments, EEXIST, "adopt", "it is in use here already");
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return Fail(arguments, "fcntl");
  }
  return Integer(arguments.env(), arguments.environment().HandOver(fd));
}

/// Starts to connect; the failed call in `call`.
bool Start(int fd, const Address& address, const std::optional<Address>& local, const char*& call) {
  if (local) {
    call = "setsockopt";
    const bool chosen = local->port() != 0;
    // A port of the caller's choice may be in TIME_WAIT. One of the kernel's is picked at connect,
    // when the peer is known: only then may one port serve several peers (ip(7)).
    if (chosen ? !SetIntOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)
               : !SetIntOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)) {
      return false;
    }
    call = "bind";
    if (bind(fd, local->get(), local->length) != 0) return false;
  }
  call = "connect";
  // EINTR: the connection goes on being made and must not be asked for again (connect(2)).
  return connect(fd, address.get(), address.length) == 0 || errno == EINPROGRESS || errno == EINTR;
}

napi_value StartOn(const Arguments& arguments, const Address& address,
                   const std::optional<Address>& local, const SocketOptionList& options) {
  UniqueFd fd = NewSocket(address.family());
  if (!fd.valid()) return Fail(arguments, "socket");
  if (!SetAll(fd.get(), options)) return Fail(arguments, "setsockopt");
  const char* call = nullptr;
  if (!Start(fd.get(), address, local, call)) return Fail(arguments, call);
  return Integer(arguments.env(), arguments.environment().HandOver(fd.Release()));
}

/// The `local` of connect's options: where it binds before. False when it is no numeric address.
bool ReadLocal(const Napi::Value& value, std::optional<Address>& local) {
  if (value.IsUndefined()) return true;
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), "\"local\" must be an object");
  const auto object = value.As<Napi::Object>();
  const Napi::Value address = object.Get("address");
  const Napi::Value port = object.Get("port");
  if (!address.IsString() || !port.IsNumber()) {
    throw Napi::TypeError::New(value.Env(),
                               "\"local\" must have an address, a string, and a port, a number");
  }
  const double number = port.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= UINT16_MAX) || number != static_cast<uint16_t>(number)) {
    throw Napi::RangeError::New(value.Env(), "\"local.port\" must be an integer from 0 to 65535");
  }
  local = Address::Parse(address.As<Napi::String>().Utf8Value(), static_cast<uint16_t>(number));
  return local.has_value();
}

napi_value Connect(const Arguments& arguments) {
  const std::string text = arguments.Text(0, "address");
  const int port = arguments.Int(1, "port", 0, UINT16_MAX);
  const Napi::Object options = ReadOptions(arguments, 2, true);
  const SocketOptionList socket_options = ReadSocketOptions(options.Get("socketOptions"));
  std::optional<Address> local;
  if (!ReadLocal(options.Get("local"), local))
    return FailWith(arguments, EINVAL, "inet_pton",
                    std::string("\"local.address\" is not ") + kNumeric);
  const std::optional<Address> address = Address::Parse(text, static_cast<uint16_t>(port));
  if (!address) return Refuse(arguments, text, "inet_pton", kNumeric);
  return StartOn(arguments, *address, local, socket_options);
}

napi_value ConnectUnix(const Arguments& arguments) {
  const std::string path = arguments.Text(0, "path");
  const SocketOptionList socket_options = ReadSocketOptions(arguments[1]);
  const std::optional<Address> address = Address::Unix(path);
  if (!address) return Refuse(arguments, path, "connect", kUnixPath);
  return StartOn(arguments, *address, std::nullopt, socket_options);
}

}  // namespace

void DefineOpenCalls(Napi::Env env, Napi::Object exports, Environment& environment) {
  ExportCalls(env, exports,
              {
                  CallProperty("listen", FunctionCallback<Listen>, environment),
                  CallProperty("listenUnix", FunctionCallback<ListenUnix>, environment),
                  CallProperty("adopt", FunctionCallback<Adopt>, environment),
                  CallProperty("connect", FunctionCallback<Connect>, environment),
                  CallProperty("connectUnix", FunctionCallback<ConnectUnix>, environment),
              });
}

}  // namespace sluice
