// What the running kernel can do about TLS, found out once a process. Rule: it is asked by trying,
// never by its version; what one connection got is asked of that connection.
#pragma once

#include <string>

namespace sluice {

struct KernelTlsAbility {
  /// The linked OpenSSL can hand records to the kernel.
  bool openssl = false;
  /// The kernel knows TLS sockets (TCP_ULP).
  bool kernel = false;
  /// It seals what is sent, and opens what comes, of TLS 1.3 with AES-128-GCM.
  bool send = false;
  bool receive = false;
  /// It changes the keys of a connection (KeyUpdate): Linux 6.14 and later.
  bool rekey = false;
  /// Why it does not send; empty when it does.
  std::string reason;
};

/// Tried at the first call, over a connection of the process with itself; any thread.
const KernelTlsAbility& ProbedKernelTls();

/// Says why TCP_ULP was refused.
std::string UlpRefusal(int error_number);

/// Why the linked OpenSSL hands nothing to the kernel; empty when it does.
std::string LibraryRefusal();

}  // namespace sluice
