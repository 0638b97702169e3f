// Options of sockets by the names of the contract. Rule: a name maps to one setsockopt(2) here;
// nobody else spells one.
#pragma once

#include <napi.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

enum class OptionResult { kDone, kRefused, kUnknown };

/// Sets `name` on `fd`; kRefused leaves the reason in errno.
OptionResult SetSocketOption(int fd, std::string_view name, int value);

/// The other way round. Buffers come back doubled, as the kernel books them (socket(7)).
OptionResult GetSocketOption(int fd, std::string_view name, int& value);

/// Throws the TypeError that lists the names.
[[noreturn]] void ThrowUnknownOption(napi_env env, std::string_view name);

/// Options for a socket that is still to be made.
using SocketOptionList = std::vector<std::pair<std::string, int>>;

/// Reads `SocketOptions` of the contract; undefined is none, and so is an undefined value. Throws a
/// TypeError or RangeError for what is no integer.
SocketOptionList ReadSocketOptions(const Napi::Value& options);

/// setsockopt(2) with an int; false leaves the reason in errno.
bool SetIntOption(int fd, int level, int option, int value);

}  // namespace sluice
