/**
 * Programs of other people (openssl, curl, gnutls-cli, perl, wrk, nginx, a browser) on the other end of tests. Private: never
 * published.
 *
 * Rule: whoever is started ends with the test at the latest, and a program that is missing is said, never passed over.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished, type TestContext } from 'vitest';

/** What the machines of CI may do without. */
const OPTIONAL: readonly string[] = [
  'gnutls-cli',
  'gnutls-serv',
  'chromium',
  'sslscan',
  'wrk',
  'slowhttptest',
  'nginx',
  'haproxy',
  'ab',
  'h2load',
  'redis-cli',
  'redis-benchmark',
  'mosquitto_pub',
  'mosquitto_sub',
  'swaks',
  'python3',
];

export { dumpDom, type PageVisit } from './chromium.ts';

export type ToolName =
  | 'openssl'
  | 'curl'
  | 'gnutls-cli'
  | 'gnutls-serv'
  | 'chromium'
  | 'sslscan'
  | 'perl'
  | 'wrk'
  | 'slowhttptest'
  | 'nginx'
  | 'haproxy'
  | 'ab'
  | 'h2load'
  | 'redis-cli'
  | 'redis-benchmark'
  | 'mosquitto_pub'
  | 'mosquitto_sub'
  | 'swaks'
  | 'python3';

/** Skips the test, saying why, where `tool` is not installed. In CI that is a failure: the machines there have it. */
export function needsTool(context: TestContext, tool: ToolName): void {
  if (isInstalled(tool)) return;
  const isRequired = /^(1|true)$/i.test(process.env['CI'] ?? '') && !OPTIONAL.includes(tool);
  if (isRequired) throw new Error(`${tool} is not installed, and CI needs it`);
  context.skip(`${tool} is not installed`);
}

/** Programs that were looked for: some take their time to say their version. */
const installed = new Map<ToolName, boolean>();

function isInstalled(tool: ToolName): boolean {
  const known = installed.get(tool) ?? spawnSync(tool, ['--version']).error === undefined;
  installed.set(tool, known);
  return known;
}

export interface Tool {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves when what it wrote to standard error matches `pattern`, from the last such call on. */
  complained(pattern: RegExp): Promise<void>;
  /** What it wrote to standard error, once it has ended; and how. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Starts `command` in the folder `cwd`; it ends with the test at the latest. Its standard output is the caller's to read. */
export function startTool(
  command: string,
  args: readonly string[],
  { cwd }: { readonly cwd?: string } = {},
): Tool {
  const child = spawn(command, args, { stdio: 'pipe', ...(cwd !== undefined && { cwd }) });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  // A tool that ends early closes its input; how it ended says more than EPIPE.
  child.stdin.on('error', () => {});
  let stderr = '';
  let from = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const complained = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!pattern.test(stderr.slice(from))) return;
        child.stderr.off('data', look);
        from = stderr.length;
        resolve();
      };
      child.stderr.on('data', look);
      look();
    });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  return { child, complained, ended };
}

/** Where the process `pid`, which was told to take any port, listens over IPv4: asked of the kernel. */
export function listeningPort(pid: number): number {
  // proc(5): 0A is TCP_LISTEN.
  const port = tcpSockets(pid).find(({ state }) => state === '0A')?.localPort;
  if (port === undefined) throw new Error(`process ${pid} listens on no port`);
  return port;
}

/** How many sockets over IPv4 the process `pid` has open whose own end is `port`, one that listens included. */
export function openSocketsAt(pid: number, port: number): number {
  return tcpSockets(pid).filter(({ localPort }) => localPort === port).length;
}

function tcpSockets(pid: number): readonly { readonly state: string; readonly localPort: number }[] {
  const open = openDescriptors(pid);
  const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trimEnd().split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , state = '', , , , , , inode] = line.trim().split(/\s+/);
    if (!open.has(`socket:[${inode}]`)) return [];
    return [{ state, localPort: Number.parseInt(local.split(':')[1] ?? '', 16) }];
  });
}

function openDescriptors(pid: number): ReadonlySet<string> {
  const folder = `/proc/${pid}/fd`;
  return new Set(
    readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        // The one that the folder itself was read with, and whatever was closed meanwhile.
        return [];
      }
    }),
  );
}
