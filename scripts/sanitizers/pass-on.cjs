// Loaded first into each node process of a run with sanitizers, and by Node into each of its worker threads.
// Rule: whatever a test starts gets the sanitizer's library if it is node, and does not if it is anything else. Programs
// of other people may not bear it: `curl --version` never ends under libasan, and perl counts as leaking.
'use strict';

delete process.env.LD_PRELOAD;
process.execPath = process.env.SLUICE_SANITIZED_NODE;
