/** Echo without sockets: what a slow peer, a break and a deadline do to it, step by step. */
import { connectedPair, testConnection } from '@sluice/reactor/testing';
import { describe, expect, it } from 'vitest';
import { echo } from '../src/index.ts';

const MARKS = { highWaterMarkBytes: 1_000, lowWaterMarkBytes: 100 };

describe('echo in memory', () => {
  it('counts what it echoes', async () => {
    const peer = await testConnection(echo());
    await peer.send('hel', 'lo');
    expect(peer.take()).toBe('hello');
    expect(peer.conn.state.bytes).toBe(5);
    await peer.finish();
  });

  it('pauses at the high-water mark of a peer that does not read, and resumes when that has drained', async () => {
    const peer = await testConnection(echo(), { limits: MARKS, capacityBytes: 2_000 });
    peer.pause();
    const sent = Buffer.alloc(10_000, 'all of this comes back, ');
    await peer.send(sent);
    expect(peer.conn.readHalf).toBe('paused');
    // What one read added to a queue below its mark; the rest waits where the peer has put it.
    expect(peer.conn.queuedBytes).toBeLessThan(1_000 + 2_000);
    expect(peer.unsentBytes).toBeGreaterThan(0);
    await peer.resume(2_000);
    expect(peer.conn.readHalf).toBe('paused');
    await peer.resume();
    expect(peer.conn.readHalf).toBe('idle');
    expect(peer.received.equals(sent)).toBe(true);
    await peer.finish();
  });

  it('P25 ends only when a slow peer that has half-closed has everything back', async () => {
    const peer = await testConnection(echo(), { limits: MARKS, capacityBytes: 2_000 });
    peer.pause();
    await peer.end(Buffer.alloc(5_000, 'x'));
    expect(peer.closeReason).toBeUndefined();
    await peer.resume();
    expect(peer.received).toHaveLength(5_000);
    expect(peer.hasEnd).toBe(true);
    expect(peer.closeReason).toBe('clean');
    await peer.finish();
  });

  it('closes once, with the reason, when the peer breaks off with everything unread', async () => {
    const peer = await testConnection(echo(), { limits: MARKS, capacityBytes: 2_000 });
    peer.pause();
    await peer.send(Buffer.alloc(10_000));
    await peer.reset();
    expect(peer.closeReason).toBe('reset');
    await peer.finish();
  });

  it('lets go of a peer that takes nothing for a minute', async () => {
    const peer = await testConnection(echo(), { capacityBytes: 1_000 });
    peer.pause();
    await peer.send(Buffer.alloc(3_000));
    await peer.advance(59_000);
    expect(peer.closeReason).toBeUndefined();
    await peer.advance(2_000);
    expect(peer.closeCause).toMatchObject({ code: 'ERR_WRITE_STALL_TIMEOUT' });
    await peer.finish();
  });

  it('sends back what has come when its reactor shuts down', async () => {
    const peer = await testConnection(echo());
    await peer.send('nearly done');
    await peer.shutdown();
    expect(peer.take()).toBe('nearly done');
    expect(peer.hasEnd).toBe(true);
    await peer.finish();
    expect(peer.closeReason).toBe('clean');
  });

  it('talks to a client of our own through a network of three bytes', async () => {
    const heard: string[] = [];
    const pair = await connectedPair(
      echo(),
      {
        onOpen: (conn) => conn.end('one two three four'),
        onData: (_conn, chunk) => void heard.push(String(chunk)),
      },
      { capacityBytes: 3, pieceBytes: 2 },
    );
    expect(heard.join('')).toBe('one two three four');
    expect(Math.max(...heard.map(({ length }) => length))).toBeLessThanOrEqual(3);
    expect([pair.server.closeReason, pair.client.closeReason]).toEqual(['clean', 'clean']);
    await pair.finish();
  });
});
