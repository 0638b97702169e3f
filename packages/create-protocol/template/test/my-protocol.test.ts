import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { testConnection, testProtocol } from '@sluice/reactor/testing';
import { myProtocol } from '../src/index.ts';

// No sockets: a peer in memory, that does what the test says. `finish()` tells what was left undone.
suite('myProtocol', () => {
  test('answers every line with its length', async () => {
    const peer = await testConnection(myProtocol());
    await peer.send('one\nth', 'ree\n');
    assert.equal(peer.take(), '3\n5\n');
    await peer.finish();
  });

  test('takes no more from a peer that does not read, and loses nothing', async () => {
    const limits = { highWaterMarkBytes: 100, lowWaterMarkBytes: 10 };
    const peer = await testConnection(myProtocol(), { limits, capacityBytes: 1000 });
    peer.pause();
    await peer.send('one\n'.repeat(2000));
    assert.equal(peer.conn.readHalf, 'paused');
    assert.ok(peer.unsentBytes > 0);
    await peer.resume();
    assert.equal(peer.take(), '3\n'.repeat(2000));
    await peer.finish();
  });

  test('does not collect a line without end', async () => {
    const peer = await testConnection(myProtocol({ maxLineBytes: 10 }));
    await peer.send('0123456789', '!');
    assert.equal(peer.take(), 'that line is too long\n');
    assert.ok(peer.hasEnd);
    await peer.finish();
  });

  test('lets a silent peer go', async () => {
    const peer = await testConnection(myProtocol({ patienceMs: 5000 }));
    await peer.advance(4900);
    assert.equal(peer.take(), '');
    await peer.advance(300);
    assert.equal(peer.take(), 'still there?\n');
    assert.ok(peer.hasEnd);
    await peer.finish();
  });

  test('says good-bye when the server shuts down', async () => {
    const peer = await testConnection(myProtocol());
    await peer.shutdown();
    assert.equal(peer.take(), 'good-bye\n');
    assert.ok(peer.hasEnd);
    await peer.finish();
  });
});

// The same answers however the input is cut, however slowly the peer reads, and whatever else can happen to it.
suite('myProtocol keeps the contract of a protocol', () => {
  testProtocol({
    test,
    protocol: myProtocol,
    scripts: [
      { name: 'three lines', input: 'one\n\nthree\n', output: '3\n0\n5\n' },
      { name: 'a line without a line break', input: 'one\ntwo', output: '3\n3\n' },
    ],
  });
});
