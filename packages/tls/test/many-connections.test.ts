/** A thousand clients at once: every byte comes back to whom it belongs, and nothing stays behind. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificate } from './support/certificate.ts';
import { watchedEcho } from './support/echo-protocol.ts';
import { descriptorLimit, liveSessions, openDescriptors } from './support/process-state.ts';

const CONNECTIONS = 1_000;
const BYTES_EACH = 1024 * 1024;
/** Connections, and what the test runner itself has open. */
const DESCRIPTORS_NEEDED = CONNECTIONS + 200;

describe('a thousand TLS connections', () => {
  it('echo a mebibyte each in pieces of every size, at once, and leave nothing open', {
    timeout: 120_000,
  }, async (context) => {
    if (descriptorLimit() < DESCRIPTORS_NEEDED) {
      context.skip(`needs ${DESCRIPTORS_NEEDED} descriptors and ${descriptorLimit()} are allowed: ulimit -n`);
    }
    const { cert, key } = await makeCertificate();
    const { protocol, opened, closed } = watchedEcho();
    const [descriptorsBefore, sessionsBefore] = [openDescriptors(), liveSessions()];
    const reactor = createReactor();
    const server = await reactor.listen(
      { host: '127.0.0.1', port: 0, transport: tls({ cert, key }) },
      protocol,
    );

    const clients = startClients(server.address()!.port, cert);
    expect(await clients.nextMessage()).toEqual({ connected: CONNECTIONS });
    // A client is through with its handshake before the server has read its last flight.
    await opened.reach(CONNECTIONS);
    expect(server.connections).toBe(CONNECTIONS);
    expect(liveSessions()).toBe(sessionsBefore + CONNECTIONS);

    clients.go();
    expect(await clients.nextMessage()).toEqual({ echoedBytes: CONNECTIONS * BYTES_EACH, failures: [] });
    await clients.ended;
    const closings = await closed.reach(CONNECTIONS);
    expect(closings.filter(({ reason }) => reason !== 'clean')).toEqual([]);
    await reactor.shutdown();
    expect(reactor.stats().connections).toBe(0);
    expect(liveSessions()).toBe(sessionsBefore);
    expect(openDescriptors()).toBe(descriptorsBefore);
  });
});

/** Clients of Node's own TLS in a process of their own, so that they and the server do not share a loop. */
function startClients(port: number, ca: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-clients-'));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, ca);
  const program = join(import.meta.dirname, 'support', 'many-clients.mjs');
  const child = fork(program, [port, CONNECTIONS, BYTES_EACH, caFile].map(String));
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    nextMessage: async () => (await once(child, 'message'))[0] as unknown,
    go: () => child.send('go'),
    ended: once(child, 'close'),
  };
}
