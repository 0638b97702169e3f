import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Server } from '../src/index.ts';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;
let server: Server;

beforeEach(async () => {
  harness = new Harness();
  recorder = new Recorder();
  server = await harness.listen(recorder);
});

const edge = () => harness.poller.fire([harness.listenerFd, Ready.readable]);

describe('a paused server', () => {
  test('leaves newcomers in the backlog, and takes them without an edge when it resumes', () => {
    server.pause();
    harness.offer();
    edge();
    expect(recorder.log).toEqual([]);
    server.resume();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
    server.resume();
    expect(harness.poller.awake).toBe(false);
  });

  test('can be paused by the connection that it just accepted', () => {
    recorder.opened = () => server.pause();
    harness.offer();
    harness.offer();
    edge();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
  });
});

describe('closing a server', () => {
  test('serves what the backlog holds, and asks each to leave when the socket is closed', async () => {
    harness.offer((script) => script.reads.push('first'));
    harness.offer((script) => script.reads.push('second'));
    const done = server.close();
    expect(harness.sockets.refusing).toEqual([harness.listenerFd]);
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'data first', 'open', 'data second']);
    expect(recorder.connections.map((conn) => conn.lifecycle)).toEqual(['open', 'open']);
    expect(server.address()).toBeDefined();
    harness.letListenerClose();
    expect(recorder.connections.map((conn) => conn.lifecycle)).toEqual(['closing', 'closing']);
    for (const conn of recorder.connections) conn.destroy();
    expect(await done).toEqual({ drained: 2, destroyed: 0 });
    expect(server.address()).toBeUndefined();
    expect(harness.sockets.closed).toContain(harness.listenerFd);
  });

  test('refuses newcomers in another way where filters are not allowed, and takes that off whom it accepts', async () => {
    harness.sockets.mayFilter = false;
    const { fd } = harness.offer();
    void server.close();
    harness.poller.settle();
    expect(harness.sockets.refusing).toEqual([harness.listenerFd]);
    expect(harness.sockets.welcomed).toEqual([fd]);
  });

  test.each([
    ['others are being served', 1],
    ['nobody else is there', 0],
  ])('waits a moment for whoever is half-way in, when %s', async (_when, others) => {
    if (others > 0) harness.accept();
    const done = server.close();
    harness.poller.settle();
    expect(server.address()).toBeDefined();
    harness.offer();
    edge();
    expect(recorder.log).toEqual(Array(others + 1).fill('open'));
    harness.letListenerClose();
    expect(server.address()).toBeUndefined();
    for (const conn of recorder.connections) conn.destroy();
    expect(await done).toEqual({ drained: others + 1, destroyed: 0 });
  });

  test('leaves the connections of others alone', async () => {
    harness.accept();
    const other = await harness.reactor.listen({ port: 0 }, recorder);
    const done = other.close();
    harness.letListenerClose();
    expect(await done).toEqual({ drained: 0, destroyed: 0 });
    expect(recorder.conn.lifecycle).toBe('open');
    expect(server.connections).toBe(1);
  });

  test('destroys at the deadline who has not left, and resets what it cannot accept any more', async () => {
    harness.accept();
    const done = server.close({ deadlineMs: 500 });
    harness.poller.settle();
    harness.clock.advance(700);
    harness.poller.settle();
    expect(await done).toEqual({ drained: 0, destroyed: 1 });
    expect(await server.close()).toEqual({ drained: 0, destroyed: 1 });
    await server[Symbol.asyncDispose]();
  });

  test('by the hook of a connection that it just accepted still serves the others', async () => {
    recorder.opened = () => void server.close();
    harness.offer();
    harness.offer();
    edge();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open', 'open']);
  });

  test('ends a pause: who waited is served', async () => {
    server.pause();
    harness.offer();
    void server.close();
    harness.poller.settle();
    expect(recorder.log).toEqual(['open']);
  });
});
