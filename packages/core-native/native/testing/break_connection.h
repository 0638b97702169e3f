// Ends a connection as a reset from the network would.
#pragma once

#include "descriptor_table.h"

namespace sluice::testing {

/// How the connection's own end is to hear of it.
enum class Notice { kPending, kTaken };

/// Drops the connection behind `fd`: the peer gets RST, and this end an error that waits
/// (`kPending`) or that the caller tells itself (`kTaken`). False when there was no connection.
bool BreakConnection(int fd, Descriptor& descriptor, Notice notice);

}  // namespace sluice::testing
