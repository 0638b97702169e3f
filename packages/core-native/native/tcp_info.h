// TCP_INFO of tcp(7) as an object. Apart from the other socket calls: the kernel's own
// <linux/tcp.h>, whose struct is longer than the C library's, cannot be included beside
// <netinet/tcp.h>.
#pragma once

#include <napi.h>

namespace sluice {

/// `NativeTcpInfo` of the contract, or undefined and errno.
Napi::Value TcpInfo(Napi::Env env, int fd);

}  // namespace sluice
