/** Files in the write queue: their place, their pieces, and what they wait for. */
import { Ready } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { FileError } from '../src/index.ts';
import type { Harness } from '../src/testing/index.ts';
import type { Recorder } from './recorder.ts';
import { BUDGET_BYTES, FileBench, settled, writesOf } from './support/file-bench.ts';

let bench: FileBench;
let harness: Harness;
let recorder: Recorder;
beforeEach(async () => {
  bench = await FileBench.open();
  ({ harness, recorder } = bench);
});

const conn = () => bench.conn;
const accept = (how: 'sends files' | 'takes bytes') => bench.accept(how);
const settle = () => bench.settle();
const nextMicrotask = () => bench.microtasks();

describe.each(['sends files', 'takes bytes'] as const)('a file, by a transport that %s', (how) => {
  test('leaves in its place among writes, and its promise tells how many bytes it was', async () => {
    const { transport } = accept(how);
    conn().write('<');
    const sent = conn().sendFile('ten', { offset: 2, length: 5 });
    conn().write('>');
    const all = conn().sendFile('ten');
    conn().write('.');
    await settle();
    expect(transport.written.toString()).toBe('<23456>0123456789.');
    expect([await sent, await all]).toEqual([5, 10]);
    expect(harness.disk.opened.size).toBe(0);
    expect(harness.reactor.stats()).toMatchObject({
      bytesSent: 18,
      fileBytesSent: 15,
      filesSent: 2,
      fileBufferBytes: 0,
    });
  });

  test('written to in its own dispatch goes behind what was staged', async () => {
    const { transport, fd } = accept(how);
    recorder.data = (connection) => {
      connection.write('head ');
      void connection.sendFile('ten');
      connection.write(' tail');
    };
    transport.reads.push('go');
    harness.poller.fire([fd, Ready.readable]);
    await settle();
    expect(transport.written.toString()).toBe('head 0123456789 tail');
  });

  test('write answers false while it is queued, and onDrain comes when it has left', async () => {
    const { transport, fd } = accept(how);
    const sent = conn().sendFile('ten');
    expect(conn().write('x')).toBe(false);
    expect(conn().queuedBytes).toBe(1);
    transport.writes.push(4, { status: 'wantsWrite' });
    await settle();
    expect([conn().queuedFileBytes, conn().needsDrain, conn().writeHalf]).toEqual([6, true, 'blocked']);
    expect(recorder.log).toEqual(['open']);
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(recorder.log).toEqual(['open', 'drain']);
    expect(conn().needsDrain).toBe(false);
    expect(await sent).toBe(10);
  });

  test('while the disk is waited for the half says so, no edge is armed, and reading goes on', async () => {
    const { transport, fd } = accept(how);
    void conn().sendFile('ten');
    await nextMicrotask();
    expect(conn().writeHalf).toBe('wants-file');
    expect(harness.poller.isWritableArmed(fd)).toBe(false);
    transport.reads.push('meanwhile');
    harness.poller.fire([fd, Ready.readable | Ready.writable]);
    expect(recorder.log).toEqual(['open', 'data meanwhile']);
    conn().end();
    expect(conn().writeHalf).toBe('ending-wants-file');
    await settle();
    expect(transport.written.toString()).toBe('0123456789');
    expect(transport.calls.at(-1)).toBe('shutdownWrite');
  });

  test('P24 end sends it all, then ends our side', async () => {
    const { transport, fd } = accept(how);
    transport.writes.push(4, { status: 'wantsWrite' });
    void conn().sendFile('ten');
    conn().end('bye');
    await settle();
    expect(transport.calls).not.toContain('shutdownWrite');
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(transport.written.toString()).toBe('0123456789bye');
    expect(transport.calls.at(-1)).toBe('shutdownWrite');
  });

  test('P16 a want to read is waited for, and the same bytes follow', async () => {
    const { transport, fd } = accept(how);
    transport.writes.push({ status: 'wantsRead' });
    void conn().sendFile('ten');
    await settle();
    expect(conn().writeHalf).toBe('wants-read');
    harness.poller.fire([fd, Ready.readable]);
    await settle();
    expect(transport.written.toString()).toBe('0123456789');
  });

  test('P43 a large one uses up its budget, and goes on in the next turn', async () => {
    const content = harness.disk.add('large', Buffer.alloc(5000, 'large file '));
    const { transport } = accept(how);
    const answers = Array.from({ length: 40 }, () => 200);
    transport.writes.push(...answers);
    void conn().sendFile('large');
    await nextMicrotask();
    while (writesOf(transport).length === 0) {
      harness.disk.answer();
      harness.poller.turn();
    }
    for (let turn = 1; turn <= 4; turn += 1) {
      expect(transport.written.length).toBe(turn * BUDGET_BYTES);
      expect(harness.poller.turn()).toBe(true);
    }
    await settle();
    expect(transport.written.equals(content)).toBe(true);
  });

  test('of no bytes is done when its turn comes', async () => {
    const { transport } = accept(how);
    transport.writes.push({ status: 'wantsWrite' });
    conn().write('ahead');
    const sent = conn().sendFile('ten', { offset: 10 });
    let done = false;
    void sent.then(() => {
      done = true;
    });
    await settle();
    expect(done).toBe(false);
    harness.poller.fire([1, Ready.writable]);
    await settle();
    expect(await sent).toBe(0);
    expect(writesOf(transport)).toEqual(['write wantsWrite', 'write 5/5']);
  });

  test('P43 that shrank closes the connection with an error that says so', async () => {
    const { transport } = accept(how);
    const sent = settled(conn().sendFile('ten'));
    await nextMicrotask();
    harness.disk.answer();
    harness.disk.answer();
    harness.disk.files.get('ten')!.bytes = Buffer.from('0123');
    await settle();
    const error = (await sent) as FileError;
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'ERR_FILE_SHRANK', file: 'ten', sentBytes: 4 });
    expect(error.message).toBe(
      'ten shrank: it ended after 4 of 10 bytes that were to be sent. The connection was closed, for its peer was promised more. Replace files by renaming, not by truncating them.',
    );
    expect(recorder.log.at(-1)).toBe(`close error: ${error.message}`);
    expect(transport.written.toString()).toBe('0123');
    expect(harness.disk.opened.size).toBe(0);
  });

  test('that grows sends what it had', async () => {
    const { transport } = accept(how);
    void conn().sendFile('ten');
    await nextMicrotask();
    harness.disk.answer();
    harness.disk.answer();
    harness.disk.files.get('ten')!.bytes = Buffer.from('0123456789 and more');
    await settle();
    expect(transport.written.toString()).toBe('0123456789');
  });

  test('is dropped by destroy: its descriptor is closed, and not under a thread that uses it', async () => {
    accept(how);
    const sent = settled(conn().sendFile('ten'));
    await nextMicrotask();
    harness.disk.answer();
    expect(harness.disk.opened.size).toBe(1);
    conn().destroy(new Error('enough'));
    expect(harness.disk.opened.size).toBe(1);
    harness.disk.answer();
    expect(harness.disk.opened.size).toBe(0);
    const error = await sent;
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({
      code: 'ERR_FILE_UNSENT',
      message:
        'The connection ended when 0 bytes of ten had been sent (enough). Send it again on another one.',
    });
    expect((error as FileError).cause).toMatchObject({ message: 'enough' });
    expect(harness.disk.waiting).toBe(0);
  });

  test('P32 is dropped when the transport fails, and what the peer sent before is delivered', async () => {
    const { transport } = accept(how);
    transport.writes.push(4, { status: 'failed' });
    const sent = settled(conn().sendFile('ten'));
    const second = settled(conn().sendFile('ten'));
    transport.reads.push('parting words');
    await settle();
    expect(recorder.log).toEqual(['open', 'data parting words', 'close reset: scripted failure']);
    expect(await sent).toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 4 });
    expect(await second).toMatchObject({ code: 'ERR_FILE_UNSENT', sentBytes: 0 });
    expect(harness.disk.opened.size).toBe(0);
    expect(harness.reactor.stats().fileBufferBytes).toBe(0);
  });

  test('a descriptor is duplicated in the call: closing it, or giving its number away, changes nothing', async () => {
    const { transport } = accept(how);
    const handle = { fd: harness.disk.openNow('ten') };
    const sent = conn().sendFile(handle);
    harness.disk.opened.delete(handle.fd);
    harness.disk.opened.set(handle.fd, { bytes: Buffer.from('another file') });
    await settle();
    expect(await sent).toBe(10);
    expect(transport.written.toString()).toBe('0123456789');
    expect([...harness.disk.opened.keys()]).toEqual([handle.fd]);
    expect(harness.disk.calls.filter((call) => call.startsWith('close'))).toEqual(['closeFile']);
  });

  test('is opened when no other file is ahead of it', async () => {
    const { transport, fd } = accept(how);
    transport.writes.push({ status: 'wantsWrite' });
    for (let i = 0; i < 3; i += 1) void conn().sendFile('ten');
    await settle();
    expect(harness.disk.calls.filter((call) => call.startsWith('open'))).toEqual(['open ten']);
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(transport.written.length).toBe(30);
  });
});

describe('a transport that sends files', () => {
  test('is asked for what is in the page cache; a thread reads the rest first, once', async () => {
    harness.disk.cached = false;
    const { transport, fd } = accept('sends files');
    transport.writes.push(4, { status: 'wantsWrite' });
    void conn().sendFile('ten');
    await settle();
    expect(harness.disk.calls).toEqual(['open ten', 'facts', 'read 0+10']);
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(harness.disk.calls.slice(3)).toEqual(['close']);
    expect(writesOf(transport)).toEqual([
      'sendFile 4/10 from 0',
      'sendFile wantsWrite',
      'sendFile 6/6 from 4',
    ]);
  });

  test('asks again for a piece that a slow peer has taken a while for', async () => {
    const { transport, fd } = accept('sends files');
    transport.writes.push(4, { status: 'wantsWrite' }, 1, { status: 'wantsWrite' });
    void conn().sendFile('ten');
    await settle();
    harness.disk.cached = false;
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(harness.disk.calls).toEqual(['open ten', 'facts']);
    harness.clock.advance(2_000);
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(harness.disk.calls.slice(2)).toEqual(['read 5+5', 'close']);
    expect(transport.written.toString()).toBe('0123456789');
  });

  test('P46 that cannot send this file has it read and written', async () => {
    const { transport } = accept('sends files');
    transport.writes.push(4, { status: 'failed' });
    transport.failureAnswer = { reason: 'error', error: new Error('EINVAL'), isFile: true };
    const sent = conn().sendFile('ten');
    await settle();
    expect(await sent).toBe(10);
    expect(transport.written.toString()).toBe('0123456789');
    expect(harness.disk.calls).toEqual(['open ten', 'facts', 'read 4+6', 'close']);
  });

  test('shares four scratch buffers with all others: the fifth that needs one waits', async () => {
    harness.disk.cached = false;
    const transports = Array.from({ length: 6 }, () => {
      const { transport } = accept('sends files');
      void conn().sendFile('ten');
      return transport;
    });
    await nextMicrotask();
    while (harness.disk.calls.filter((call) => call === 'facts').length < 6) harness.disk.answer();
    for (let i = 0; i < 6; i += 1) harness.disk.answer();
    await nextMicrotask();
    harness.poller.settle();
    expect(harness.disk.waiting).toBe(4);
    expect(harness.reactor.stats().fileBufferBytes).toBe(4 * 256 * 1024);
    // One of those that wait is gone before it is its turn.
    recorder.connections[4]!.destroy();
    await settle();
    expect(transports.map(({ written }) => written.length)).toEqual([10, 10, 10, 10, 0, 10]);
    expect(harness.reactor.stats().fileBufferBytes).toBe(0);
  });
});

describe('a transport that takes bytes', () => {
  test('gets chunks of 256 KiB, one in memory at a time', async () => {
    const content = harness.disk.add('large', Buffer.alloc(550_000, 'large file '));
    const { transport } = accept('takes bytes');
    const lengths: number[] = [];
    const held: number[] = [];
    const read = harness.disk.read.bind(harness.disk);
    harness.disk.read = (file, bytes, ...rest) => {
      lengths.push(bytes.length);
      held.push(harness.reactor.stats().fileBufferBytes);
      read(file, bytes, ...rest);
    };
    void conn().sendFile('large');
    await settle();
    expect(transport.written.equals(content)).toBe(true);
    expect(harness.disk.calls.filter((call) => call.startsWith('read'))).toEqual([
      'read 0+262144',
      'read 262144+262144',
      'read 524288+25712',
    ]);
    expect(lengths).toEqual([262_144, 262_144, 65_536]);
    expect(held).toEqual(lengths);
  });

  test('gets chunks of 64 KiB while sixteen others hold long ones, and long ones again when they are gone', async () => {
    harness.disk.add('large', Buffer.alloc(300_000, 'large file '));
    const blocked = Array.from({ length: 16 }, () => {
      const { transport } = accept('takes bytes');
      transport.writes.push({ status: 'wantsWrite' });
      void conn().sendFile('large');
      return conn();
    });
    await settle();
    const { fileBufferBytes } = harness.reactor.stats();
    expect(fileBufferBytes).toBe(16 * 262_144);
    const before = harness.disk.calls.length;
    accept('takes bytes');
    void conn().sendFile('large');
    await settle();
    const reads = () =>
      harness.disk.calls
        .slice(before)
        .filter((call) => call.startsWith('read'))
        .map((call) => Number(call.split('+')[1]));
    expect(reads()).toEqual([65_536, 65_536, 65_536, 65_536, 37_856]);
    for (const connection of blocked) connection.destroy();
    await settle();
    expect(harness.reactor.stats().fileBufferBytes).toBe(0);
    accept('takes bytes');
    void conn().sendFile('large');
    await settle();
    expect(reads().slice(5)).toEqual([262_144, 37_856]);
  });

  test('P17 is offered the same bytes after a want, never fewer', async () => {
    const { transport, fd } = accept('takes bytes');
    transport.writes.push({ status: 'wantsWrite' }, 3, { status: 'wantsWrite' });
    void conn().sendFile('ten');
    await settle();
    harness.disk.files.get('ten')!.bytes = Buffer.from('changed!!!');
    harness.poller.fire([fd, Ready.writable]);
    harness.poller.fire([fd, Ready.writable]);
    await settle();
    expect(transport.offered.map(String)).toEqual(['0123456789', '3456789']);
    expect(transport.written.toString()).toBe('0123456789');
  });

  test('a read that gives less than was asked for is no end', async () => {
    harness.disk.readLimitBytes = 3;
    const { transport } = accept('takes bytes');
    void conn().sendFile('ten');
    await settle();
    expect(transport.written.toString()).toBe('0123456789');
  });

  test('a read that fails closes the connection', async () => {
    accept('takes bytes');
    harness.disk.failures.read.push('EIO');
    const error = await bench.ending(conn().sendFile('ten'));
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'ERR_FILE_READ', file: 'ten', sentBytes: 0 });
    expect(error.message).toMatch(/^Reading ten failed after 0 bytes of it had been sent \(.*EIO/);
    expect(error.cause).toMatchObject({ code: 'EIO' });
    expect(recorder.log.at(-1)).toBe(`close error: ${error.message}`);
  });
});
