// Socket addresses: text to sockaddr and back. Rule: numeric only; this addon never asks a
// resolver, which could block the loop.
#pragma once

#include <napi.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  /// 0 for whatever has none.
  uint16_t port() const;
  /// Family, numeric address and port are the same.
  bool SameAs(const Address& other) const;

  /// `text` is IPv4 in dotted decimal or IPv6, with a scope (`fe80::1%eth0`) where it has one;
  /// nothing when it is not.
  static std::optional<Address> Parse(const std::string& text, uint16_t port);

  /// A path, or an abstract name, which begins with NUL (unix(7)). Nothing when it is empty, too
  /// long for a sockaddr_un, or has a NUL elsewhere, which would cut it short of what the caller
  /// meant.
  static std::optional<Address> Unix(const std::string& path);

  /// Numeric text alone; empty for a Unix socket. An IPv4 peer of a dual-stack listener, which the
  /// kernel names by an IPv4-mapped address (RFC 4291 section 2.5.5.2), is given as IPv4.
  std::string NumericText() const;

  /// `SocketAddress` of the contract; undefined for a family that it has no word for.
  Napi::Value ToObject(Napi::Env env) const;
};

}  // namespace sluice
