// Options of sockets by the names of the contract. Rule: a name maps to one setsockopt(2) here;
// nobody else spells one.
#pragma once

#include <string_view>

namespace sluice {

enum class OptionResult { kDone, kRefused, kUnknown };

/// Sets `name` on `fd`; kRefused leaves the reason in errno.
OptionResult SetSocketOption(int fd, std::string_view name, int value);

/// setsockopt(2) with an int; false leaves the reason in errno.
bool SetIntOption(int fd, int level, int option, int value);

}  // namespace sluice
