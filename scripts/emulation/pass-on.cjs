// Loaded first into each node process of an emulated run, and by Node into each of its worker threads.
// Rule: whatever a test starts as node is emulated too, and nothing else is: esbuild, which TypeScript needs, stays this machine's.
'use strict';

const { createRequire } = require('node:module');
const { join } = require('node:path');

const ROOT = join(__dirname, '..', '..');

process.execPath = join(ROOT, '.cache', 'emulated', 'bin', 'node');
if (process.arch === 'arm64') {
  const tsx = createRequire(join(ROOT, 'package.json')).resolve('tsx/package.json');
  const esbuild = createRequire(tsx).resolve('esbuild/package.json');
  process.env.ESBUILD_BINARY_PATH = createRequire(esbuild).resolve('@esbuild/linux-x64/bin/esbuild');
}
