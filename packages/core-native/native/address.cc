// See address.h.
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace sluice {

namespace {

constexpr socklen_t kPathOffset = offsetof(sockaddr_un, sun_path);

std::optional<Address> ParseScoped(const std::string& text, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(text.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port = htons(port);
  return address;
}

std::string Ipv4Text(const in_addr& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof(text));
  return text;
}

std::string Ipv6Text(const sockaddr_in6& in6) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text));
  // Only link-local addresses mean nothing without their interface (RFC 4007 section 11).
  if (in6.sin6_scope_id == 0 || !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr)) return text;
  char name[IF_NAMESIZE];
  const char* scope = if_indextoname(in6.sin6_scope_id, name);
  return std::string(text) + "%" + (scope != nullptr ? scope : std::to_string(in6.sin6_scope_id));
}

std::string UnixPath(const sockaddr_un& un, socklen_t length) {
  // Unnamed sockets have no path at all; an abstract name begins with NUL and is as long as the
  // address says (unix(7)).
  if (length <= kPathOffset) return {};
  const size_t size = length - kPathOffset;
  return {un.sun_path, un.sun_path[0] == '\0' ? size : strnlen(un.sun_path, size)};
}

}  // namespace

std::optional<Address> Address::Parse(const std::string& text, uint16_t port) {
  // A NUL would cut the text short of what the caller meant.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  auto* in = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    address.length = sizeof(*in);
    return address;
  }
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET6, text.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    address.length = sizeof(*in6);
    return address;
  }
  // inet_pton(3) knows no scopes.
  if (text.find('%') != std::string::npos) return ParseScoped(text, port);
  return std::nullopt;
}

bool Address::SameAs(const Address& other) const {
  return family() == other.family() && port() == other.port() &&
         NumericText() == other.NumericText();
}

std::optional<Address> Address::Unix(const std::string& path) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  // One byte stays for the NUL that ends a path, also where the kernel could do without.
  if (path.empty() || path.size() >= sizeof(un->sun_path)) return std::nullopt;
  if (path.find('\0', 1) != std::string::npos) return std::nullopt;
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  // An abstract name is all of the address; a path ends with its NUL.
  const bool abstract = path[0] == '\0';
  address.length = static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1));
  return address;
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  return 0;
}

std::string Address::NumericText() const {
  if (family() == AF_INET) return Ipv4Text(reinterpret_cast<const sockaddr_in&>(storage).sin_addr);
  if (family() != AF_INET6) return {};
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
  if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) return Ipv6Text(in6);
  in_addr in;
  std::memcpy(&in, in6.sin6_addr.s6_addr + 12, sizeof(in));
  return Ipv4Text(in);
}

Napi::Value Address::ToObject(Napi::Env env) const {
  Napi::Object object = Napi::Object::New(env);
  if (family() == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    object.Set("family", "IPv4");
    object.Set("address", Ipv4Text(in.sin_addr));
    object.Set("port", static_cast<int>(ntohs(in.sin_port)));
    return object;
  }
  if (family() == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    object.Set("family", "IPv6");
    object.Set("address", Ipv6Text(in6));
    object.Set("port", static_cast<int>(ntohs(in6.sin6_port)));
    return object;
  }
  if (family() == AF_UNIX) {
    object.Set("family", "unix");
    object.Set("address", UnixPath(reinterpret_cast<const sockaddr_un&>(storage), length));
    object.Set("port", 0);
    return object;
  }
  return env.Undefined();
}

}  // namespace sluice
