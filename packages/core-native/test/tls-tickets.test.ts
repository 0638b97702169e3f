/** Session tickets of TLS 1.3: when they leave, and whom they must not harm. */
import { describe, expect, it } from 'vitest';
import { type NativeTlsContextOptions, READ_MORE, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { fillToTheBrim, receive, until } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import {
  openTlsPair,
  readExactly,
  runHandshake,
  type TlsPair,
  tlsPair,
  writeAll,
} from './support/tls-pair.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });

const BIOS = ['shared', 'socket'] as const;
type Options = Partial<NativeTlsContextOptions>;

describe.each(BIOS)('tickets of TLS 1.3, by the %s BIO,', (bio) => {
  const client = (options: Options = {}) => new native.TlsContext({ role: 'client', bio, ...options });
  const server = (options: Options) => identity.server({ bio, ...options });
  const open = (tickets?: number, options: Options = {}) => openTlsPair(client(options), server({ tickets }));

  it.each([
    [1, 2],
    [3, 4],
    [0, 1],
  ])('%i of them leave in front of the first data, and none after it', (tickets, records) => {
    const pair = open(tickets);
    expect(pair.server.write(Buffer.from('one'), 0, 3)).toBe(3);
    expect(pair.server.write(Buffer.from('two'), 0, 3)).toBe(3);
    native.shutdownWrite(pair.sockets.server);
    expect(recordsIn(receive(pair.sockets.client))).toBe(records + 1);
    pair.close();
  });

  it('P33 do not leave with the handshake', () => {
    const pair = open(16);
    expect(native.recv(pair.sockets.client, Buffer.alloc(1), 0, 1)).toBe(Status.wantsRead);
    pair.close();
  });

  it('P33 of a peer that never reads do not keep its handshake and its request from us', () => {
    const pair = tlsPair(client(), server({ tickets: 16 }));
    let filled = completeWithFullSendBuffer(pair);
    expect(pair.client.write(Buffer.from('request'), 0, 7)).toBe(7);
    expect(readExactly(pair.server, pair.sockets.server, 7).toString()).toBe('request');
    filled += fillToTheBrim(pair.sockets.server);
    // Now that there is something to say, tickets and data wait for room together, and come.
    expect(pair.server.write(Buffer.from('answer'), 0, 6)).toBe(Status.wantsWrite);
    receive(pair.sockets.client, filled);
    expect(until(pair.sockets.server, () => pair.server.write(Buffer.from('answer'), 0, 6))).toBe(6);
    expect(readExactly(pair.client, pair.sockets.client, 6).toString()).toBe('answer');
    pair.close();
  });

  it('P33 of a peer that closes at once do not destroy its request', () => {
    const pair = tlsPair(client(), server({ tickets: 16 }));
    expect(runHandshake(pair)).toEqual({ client: undefined, server: undefined });
    expect(pair.client.write(Buffer.from('request'), 0, 7)).toBe(7);
    pair.client.close();
    // With anything unread in its receive queue this would be a reset (tcp(7)).
    native.close(pair.sockets.client);
    const buffer = Buffer.alloc(100);
    expect(until(pair.sockets.server, () => pair.server.read(buffer, 0, 100)) & ~READ_MORE).toBe(7);
    let end = Status.wantsRead as number;
    while (end === Status.wantsRead) end = pair.server.read(buffer, 0, 100);
    expect(end).toBe(Status.failed);
    expect(native.lastFailure().kind).toBe('truncated');
    pair.server.close();
    native.close(pair.sockets.server);
  });

  it('P29 a close_notify waits for tickets that are half sent', () => {
    const pair = open(16);
    const filled = fillToTheBrim(pair.sockets.server);
    expect(pair.server.write(Buffer.from('answer'), 0, 6)).toBe(Status.wantsWrite);
    expect(() => pair.server.shutdown()).toThrow('close_notify cannot overtake a blocked write');
    receive(pair.sockets.client, filled);
    writeAll(pair.server, pair.sockets.server, Buffer.from('answer'));
    expect(until(pair.sockets.server, () => pair.server.shutdown())).toBe(0);
    expect(readExactly(pair.client, pair.sockets.client, 6).toString()).toBe('answer');
    expect(until(pair.sockets.client, () => pair.client.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    pair.close();
  });
});

/** Both ends complete their handshake, the server while its socket takes nothing; answers how much that holds. */
function completeWithFullSendBuffer(pair: TlsPair): number {
  const { client, server: serving, sockets } = pair;
  expect(client.handshake()).toBe(Status.wantsRead);
  let answer = Status.wantsRead as number;
  // Up to the point where the server has said all it has to say in a handshake.
  while (answer !== 0) {
    expect(serving.handshake()).toBe(Status.wantsRead);
    answer = client.handshake();
  }
  const filled = fillToTheBrim(sockets.server);
  expect(until(sockets.server, () => serving.handshake())).toBe(0);
  return filled;
}

/** How many records there are (RFC 8446 section 5.1). */
function recordsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) count += 1;
  return count;
}
