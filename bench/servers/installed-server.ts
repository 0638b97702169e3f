/**
 * A server that is no Node program and has a configuration file (nginx, haproxy), made to speak like the others: it says
 * which process serves and where, ends on SIGTERM, and its folder goes with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const HOST = '127.0.0.1';
const READY_ATTEMPTS = 200;

export interface InstalledServer {
  readonly program: string;
  /** 0 for one that is free. */
  readonly port: number;
  /** The text of its configuration, for a port; other files that it names go into `folder`. */
  configuration(port: number, folder: string): string;
  /** Arguments that make it stay in the foreground with that configuration. */
  args(configurationFile: string, folder: string): readonly string[];
}

/** Resolves when it listens and has said so; this process ends with it. */
export async function runInstalledServer(server: InstalledServer): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-server-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort(server.port);
  const file = join(folder, 'server.conf');
  writeFileSync(file, server.configuration(port, folder), { mode: 0o600 });
  const child = spawn(server.program, server.args(file, folder), { stdio: ['ignore', 'ignore', 'inherit'] });
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => process.exit(code ?? 0));
  await ready(child, port);
  console.log(`served by process ${child.pid}`);
  console.log(`listening on ${HOST}:${port}`);
}

/** A port that was free a moment ago: such a server cannot say which one it got. */
async function freePort(wanted: number): Promise<number> {
  const server = createServer().listen(wanted, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < READY_ATTEMPTS && child.exitCode === null; attempt += 1) {
    const socket = connect(port, HOST);
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await delay(25);
  }
  throw new Error('it does not listen');
}
