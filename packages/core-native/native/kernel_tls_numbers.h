// Numbers of kernel TLS that headers may lack. Rule: the kernel's are part of its interface; those
// of OpenSSL are between its record layer and any BIO (include/internal/bio.h), and the same from
// 3.0 on.
#pragma once

#include <openssl/bio.h>

#ifndef TCP_ULP
#define TCP_ULP 31  // linux/tcp.h; some C libraries do not repeat it
#endif

#ifndef SOL_TLS
#define SOL_TLS 282  // linux/socket.h
#endif

namespace sluice {

/// Hands keys over: a tls_crypto_info of linux/tls.h, for sending when the number beside it is 1.
constexpr int kBioSetKernelTls = 72;
/// What is written next is a record of the type given, no data.
constexpr int kBioSetRecordType = 74;
constexpr int kBioClearRecordType = 75;

}  // namespace sluice
