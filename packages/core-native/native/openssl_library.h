// Start-up of the OpenSSL that is linked into this addon. Rule: nothing outside of the program's
// own options changes its behaviour, and it leaves nothing behind that could run after the addon is
// gone.
#pragma once

namespace sluice {

/// Once a process, from whichever thread comes first. False when the library refuses to start.
bool StartOpenSsl();

}  // namespace sluice
