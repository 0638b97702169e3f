/** Everything that a server of a benchmark runs on. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BenchError } from './bench-error.ts';
import { ensureBun, ensureDeno, ensureNode, pinnedNodeVersion } from './fetched-runtimes.mjs';
import type { FoundRuntime, Runtime } from './runtime.ts';
import { findTool } from './tools.ts';
import { ROOT } from './typescript-program.ts';

/** The Node that runs the benchmark. */
export const runningNode: Runtime = {
  find: async () => ({ program: process.execPath, version: `Node ${process.versions.node}` }),
};

/** Ours, on the Node that runs the benchmark. */
export const sluice: Runtime = {
  find: async () => {
    const { version } = JSON.parse(readFileSync(new URL('packages/reactor/package.json', ROOT), 'utf8')) as {
      version: string;
    };
    return { program: process.execPath, version: `Sluice ${version} on Node ${process.versions.node}` };
  },
};

export const bun: Runtime = { find: () => fetched('Bun', ensureBun) };
export const deno: Runtime = { find: () => fetched('Deno', ensureDeno) };

/** Debian's, or whatever the PATH has. */
export const nginx: Runtime = { find: async () => installed('nginx', 'nginx-light', /nginx\/(\S+)/) };
export const haproxy: Runtime = { find: async () => installed('haproxy', 'haproxy', /version (\S+)/) };
export const redis: Runtime = {
  find: async () => installed('redis-server', 'redis-server', /v=(\S+)/),
};

/** A pinned release of a line of Node, which is not the running one. */
export function nodeOfLine(line: number): Runtime {
  return {
    find: () =>
      fetched('Node', async () => {
        const version = pinnedNodeVersion(line);
        if (version === undefined) throw new Error(`no release of Node ${line} is pinned`);
        return { version, program: await ensureNode(version) };
      }),
  };
}

async function fetched(name: string, ensure: () => Promise<FoundRuntime>): Promise<FoundRuntime> {
  try {
    const { program, version } = await ensure();
    // One that is there and does not run (another C library) is better told now than as a server that does not start.
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return { program, version: `${name} ${version}` };
  } catch (thrown) {
    const [reason] = (thrown as Error).message.split('\n');
    throw new BenchError(`${name} cannot be had here: ${reason}`);
  }
}

function installed(name: string, debianPackage: string, version: RegExp): FoundRuntime {
  const program = findTool(name);
  if (program === undefined) {
    throw new BenchError(
      `${name} is not installed (on Debian and Ubuntu: sudo apt-get install ${debianPackage})`,
    );
  }
  // nginx tells it on standard error.
  const told = execFileSync('sh', ['-c', '"$0" -v 2>&1', program], { encoding: 'utf8' });
  return { program, version: `${name} ${version.exec(told)?.[1] ?? 'of a version that it does not tell'}` };
}
