// Whether a call comes out of the addon.
#pragma once

namespace sluice::testing {

/// True for an address inside the code of `sluice.node`. Node's own sockets, and programs that were
/// started with the same environment, are never touched.
bool IsInAddon(const void* return_address);

}  // namespace sluice::testing
