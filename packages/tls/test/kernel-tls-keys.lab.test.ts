/**
 * Keys that change while the kernel seals and opens (TLS 1.3, KeyUpdate): by our wish and the peer's, before files and in
 * the middle of them.
 *
 * Rule: P45, every byte that arrives is the right one, and where the kernel takes no new keys (before Linux 6.14) there is one
 * error that says so. What is expected is asked of the kernel's own answer, so that the tests hold on both kinds.
 */
import { createHash, randomBytes } from 'node:crypto';
import { loadNative } from '@sluice/core-native';
import type { Connection } from '@sluice/reactor';
import { TlsError, TlsUsageError } from '@sluice/tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { ourClient, ourServer } from './support/endpoints.ts';
import { kernelTlsCounts } from './support/kernel-tls-counts.ts';
import type { Party } from './support/party.ts';
import { temporaryFile } from './support/temporary-file.ts';

const MIB = 1024 * 1024;
const CLEAN = { reason: 'clean', cause: undefined };
const takesNewKeys = loadNative().features().kernelTls.rekey;
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

interface End {
  readonly party: Party;
  readonly conn: Connection;
}

/** Two ends, `one` of them with kernel TLS, the `other` in user space or with `otherKernelTls`. */
async function connected(
  side: 'server' | 'client',
  kernelTls: 'send' | 'both',
  otherKernelTls: 'off' | 'both' = 'off',
): Promise<{ readonly one: End; readonly other: End }> {
  const of = (mine: string) => ({ kernelTls: mine === side ? kernelTls : otherKernelTls });
  const { party, port } = await ourServer({ ...credentials, ...of('server') });
  const client = await ourClient(port, { ca: credentials.cert, ...of('client') });
  const server = { party, conn: (await party.opened.reach(1))[0]! };
  const [one, other] = side === 'server' ? [server, client] : [client, server];
  expect(one.conn.tls?.kernelTls).toEqual({ send: true, receive: kernelTls === 'both', reason: undefined });
  expect(other.conn.tls?.kernelTls.receive).toBe(otherKernelTls === 'both');
  return { one, other };
}

/** What each end sends: a file, a few words, and the file again. */
const content = randomBytes(2 * MIB + 3);
const words = Buffer.from('in between');
const all = Buffer.concat([content, words, content]);

/** Sends the rest behind a first file, ends, and expects all of it at the other end, both ways. */
async function finishes(ends: readonly End[], file: string): Promise<void> {
  for (const { conn } of ends) {
    conn.write(words);
    void conn.sendFile(file);
    conn.end();
  }
  const heard = await Promise.all(ends.map(({ party }) => party.heard(all.length)));
  expect(heard.map(digest)).toEqual([digest(all), digest(all)]);
  const closed = await Promise.all(ends.map(({ party }) => party.closed.reach(1)));
  expect(closed).toEqual([[CLEAN], [CLEAN]]);
}

/** Changes the keys, or is told that the kernel takes none. */
function updates({ conn }: End, requestPeer: boolean): void {
  const update = () => conn.tls?.updateKeys({ requestPeer });
  if (takesNewKeys) return update();
  expect(update).toThrow(TlsUsageError);
  expect(update).toThrow(
    expect.objectContaining({
      code: 'ERR_TLS_KEY_UPDATE',
      message:
        'The kernel seals this connection and takes no new keys for it: that needs Linux 6.14, or kernelTls off.',
    }),
  );
}

/** What arrived is the beginning of what was sent, in whole or in part. */
async function heardNothingElse({ party }: End): Promise<void> {
  const heard = await party.heard(0);
  expect(digest(heard)).toBe(digest(all.subarray(0, heard.length)));
}

const places = [
  ['after a file', true],
  ['in the middle of files', false],
] as const;
const cases = (['server', 'client'] as const).flatMap((side) =>
  (['send', 'both'] as const).flatMap((kernelTls) =>
    places.map(([place, waits]) => ({ side, kernelTls, place, waits })),
  ),
);

describe.each(cases)('P45 a $side with kernelTls $kernelTls, $place,', ({ side, kernelTls, waits }) => {
  async function underWay(otherKernelTls?: 'both') {
    const ends = await connected(side, kernelTls, otherKernelTls);
    const file = temporaryFile('file', content);
    // Sending fails with the connection, where the kernel takes no new keys.
    for (const { conn } of [ends.one, ends.other]) conn.sendFile(file).catch(() => {});
    const bytes = waits ? content.length : 1;
    await Promise.all([ends.one.party.heard(bytes), ends.other.party.heard(bytes)]);
    return { ...ends, both: [ends.one, ends.other], file };
  }

  it.each([
    ['for itself', false],
    ['for both', true],
  ])('changes its keys %s, or is told that it cannot and goes on', async (_for, requestPeer) => {
    const before = kernelTlsCounts().keys;
    const { one, other, both, file } = await underWay();
    updates(one, requestPeer);
    await finishes(both, file);
    const answers = takesNewKeys && requestPeer ? 1 : 0;
    const asked = takesNewKeys ? 1 : 0;
    expect([one.conn.tls?.keyUpdatesSent, other.conn.tls?.keyUpdatesReceived]).toEqual([asked, asked]);
    expect([other.conn.tls?.keyUpdatesSent, one.conn.tls?.keyUpdatesReceived]).toEqual([answers, answers]);
    // The answer changes what the kernel opens.
    expect(kernelTlsCounts().keys - before).toBe(asked + (kernelTls === 'both' ? answers : 0));
  });

  it('follows a peer that changes its own keys, or ends with the reason if the kernel opens', async () => {
    const before = kernelTlsCounts().keys;
    const { one, other, both, file } = await underWay();
    other.conn.tls?.updateKeys();
    if (takesNewKeys || kernelTls === 'send') {
      await finishes(both, file);
      expect(one.conn.tls?.keyUpdatesReceived).toBe(1);
      expect(kernelTlsCounts().keys - before).toBe(kernelTls === 'both' ? 1 : 0);
      return;
    }
    await endsWithTheReason(one, other);
  });

  it('answers a peer that wants new keys of both, or ends with the reason', async () => {
    const before = kernelTlsCounts().keys;
    const { one, other, both, file } = await underWay();
    other.conn.tls?.updateKeys({ requestPeer: true });
    if (takesNewKeys) {
      await finishes(both, file);
      expect([one.conn.tls?.keyUpdatesReceived, one.conn.tls?.keyUpdatesSent]).toEqual([1, 1]);
      expect(kernelTlsCounts().keys - before).toBe(kernelTls === 'both' ? 2 : 1);
      return;
    }
    if (kernelTls === 'send') {
      // User space opens; what cannot be sent is the answer, and that is due with what is said next, or is left of a file.
      other.conn.write(words);
      const heardOf = one.party.heard(content.length + words.length);
      await Promise.race([heardOf, one.party.closed.reach(1)]);
      one.conn.write(words);
    }
    await endsWithTheReason(one, other);
  });

  it('changes keys again and again, and so does a peer whose kernel seals and opens too, or neither can', async () => {
    const before = kernelTlsCounts().keys;
    const { one, other, both, file } = await underWay('both');
    for (let round = 1; round <= 5; round += 1) {
      updates(one, round % 2 === 0);
      updates(other, round % 2 === 1);
    }
    await finishes(both, file);
    if (takesNewKeys) expect(kernelTlsCounts().keys - before).toBeGreaterThan(1);
    else expect(one.conn.tls?.keyUpdatesSent).toBe(0);
    expect(one.conn.tls?.keyUpdatesReceived).toBe(other.conn.tls?.keyUpdatesSent);
    expect(other.conn.tls?.keyUpdatesReceived).toBe(one.conn.tls?.keyUpdatesSent);
  });
});

async function endsWithTheReason(one: End, other: End): Promise<void> {
  const [closing] = await one.party.closed.reach(1);
  expect(closing!.reason).toBe('error');
  expect(closing!.cause).toBeInstanceOf(TlsError);
  expect(closing!.cause).toMatchObject({
    code: 'ERR_TLS_KERNEL_KEYS',
    fault: 'system',
    message: 'TLS was given up: the kernel takes no new keys for a connection that it seals.',
  });
  expect(one.party.closed.items).toHaveLength(1);
  const [heard] = await other.party.closed.reach(1);
  expect(heard!.reason).toMatch(/^(error|truncated|reset)$/);
  await heardNothingElse(one);
  await heardNothingElse(other);
}
