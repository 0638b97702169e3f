// Where Sluice runs: Linux, because of epoll, and a Node that has what it uses.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../packages/core-native/scripts/setup-error.mjs';
import { ROOT } from './root.mjs';

/** Throws a SetupError on anything but Linux on x64 or arm64 with a Node that `engines` allows. */
export function requirePlatform({
  platform = process.platform,
  arch = process.arch,
  node = process.versions.node,
} = {}) {
  if (platform !== 'linux') {
    throw new SetupError(
      `Sluice is built on epoll and runs on Linux only; this is ${platform}. A container or a virtual machine will do:\n\n` +
        '    docker run --rm -it -v "$PWD":/sluice -w /sluice node:22 bash\n' +
        '    apt-get update && apt-get install -y cmake g++ make perl && npm run demo',
    );
  }
  if (arch !== 'x64' && arch !== 'arm64') {
    throw new SetupError(`Sluice is made for x64 and arm64 and was never run on ${arch}.`);
  }
  const minimum = minimumNode();
  if (compareVersions(node, minimum) < 0) {
    throw new SetupError(`Sluice needs Node ${minimum} or later; this is ${node} (${process.execPath}).`);
  }
}

function minimumNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  return engines.node.replace('>=', '');
}

function compareVersions(left, right) {
  const parts = (version) => version.split('.').map((part) => Number.parseInt(part, 10));
  const [a, b] = [parts(left), parts(right)];
  for (let i = 0; i < 3; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
