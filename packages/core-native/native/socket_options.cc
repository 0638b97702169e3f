// See socket_options.h.
#include "socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace sluice {

namespace {

enum class Kind { kFlag, kInteger, kLinger };

struct Option {
  std::string_view name;
  int level;
  int number;
  Kind kind;
};

constexpr Option kOptions[] = {
    {"noDelay", IPPROTO_TCP, TCP_NODELAY, Kind::kFlag},
    {"keepAlive", SOL_SOCKET, SO_KEEPALIVE, Kind::kFlag},
    {"keepAliveIdleSeconds", IPPROTO_TCP, TCP_KEEPIDLE, Kind::kInteger},
    {"keepAliveIntervalSeconds", IPPROTO_TCP, TCP_KEEPINTVL, Kind::kInteger},
    {"keepAliveCount", IPPROTO_TCP, TCP_KEEPCNT, Kind::kInteger},
    {"userTimeoutMs", IPPROTO_TCP, TCP_USER_TIMEOUT, Kind::kInteger},
    {"sendBufferBytes", SOL_SOCKET, SO_SNDBUF, Kind::kInteger},
    {"receiveBufferBytes", SOL_SOCKET, SO_RCVBUF, Kind::kInteger},
    {"lingerSeconds", SOL_SOCKET, SO_LINGER, Kind::kLinger},
};

const Option* Find(std::string_view name) {
  const auto* found = std::find_if(std::begin(kOptions), std::end(kOptions),
                                   [&](const Option& option) { return option.name == name; });
  return found == std::end(kOptions) ? nullptr : found;
}

OptionResult ToResult(bool done) { return done ? OptionResult::kDone : OptionResult::kRefused; }

int ReadValue(const std::string& name, const Napi::Value& value) {
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(value.Env(), "\"socketOptions." + name + "\" must be an integer");
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= INT32_MIN && number <= INT32_MAX) || number != std::trunc(number)) {
    throw Napi::RangeError::New(value.Env(),
                                "\"socketOptions." + name + "\" must be a 32-bit integer");
  }
  return static_cast<int>(number);
}

}  // namespace

OptionResult SetSocketOption(int fd, std::string_view name, int value) {
  const Option* option = Find(name);
  if (option == nullptr) return OptionResult::kUnknown;
  if (option->kind == Kind::kLinger) {
    // Negative: off again. Zero makes close(2) send RST (socket(7)).
    const linger setting{value >= 0, value >= 0 ? value : 0};
    return ToResult(setsockopt(fd, option->level, option->number, &setting, sizeof(setting)) == 0);
  }
  if (option->kind == Kind::kFlag) value = value != 0;
  return ToResult(SetIntOption(fd, option->level, option->number, value));
}

OptionResult GetSocketOption(int fd, std::string_view name, int& value) {
  const Option* option = Find(name);
  if (option == nullptr) return OptionResult::kUnknown;
  if (option->kind == Kind::kLinger) {
    linger setting{};
    socklen_t length = sizeof(setting);
    if (getsockopt(fd, option->level, option->number, &setting, &length) != 0)
      return OptionResult::kRefused;
    value = setting.l_onoff ? setting.l_linger : -1;
    return OptionResult::kDone;
  }
  socklen_t length = sizeof(value);
  if (getsockopt(fd, option->level, option->number, &value, &length) != 0)
    return OptionResult::kRefused;
  // The kernel stores some flags as another value than 1.
  if (option->kind == Kind::kFlag) value = value != 0;
  return OptionResult::kDone;
}

void ThrowUnknownOption(napi_env env, std::string_view name) {
  std::string known;
  for (const Option& option : kOptions) {
    if (!known.empty()) known += ", ";
    known += option.name;
  }
  throw Napi::TypeError::New(
      env, "\"option\" must be one of " + known + "; received \"" + std::string(name) + "\"");
}

SocketOptionList ReadSocketOptions(const Napi::Value& options) {
  SocketOptionList list;
  if (options.IsUndefined()) return list;
  if (!options.IsObject())
    throw Napi::TypeError::New(options.Env(), "\"socketOptions\" must be an object");
  const auto object = options.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  for (uint32_t index = 0; index < names.Length(); ++index) {
    const Napi::Value key = names[index];
    std::string name = key.ToString().Utf8Value();
    const Napi::Value value = object.Get(key);
    if (value.IsUndefined()) continue;
    if (Find(name) == nullptr) ThrowUnknownOption(options.Env(), name);
    const int number = ReadValue(name, value);
    list.emplace_back(std::move(name), number);
  }
  return list;
}

bool SetIntOption(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

}  // namespace sluice
