/** Renegotiation of TLS 1.2 between a session of ours and Node's TLS, byte for byte where the test wants it. */
import { constants } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { selfSigned } from '@sluice-internal/certificates';
import { describe, expect, it } from 'vitest';
import { Interest, Status } from '../src/index.ts';
import { connectedPair, fillToTheBrim, receive, waitFor } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import {
  begin,
  identity,
  read,
  readText,
  serve,
  serveMidway,
  visit,
  writeText,
} from './support/renegotiating.ts';

leavesNothingBehind();

/** RFC 5246 section 7.2.2. */
const NO_RENEGOTIATION = 100;

describe.each(['shared', 'socket'] as const)('a server, by the %s BIO,', (bio) => {
  it('lets its client renegotiate, with data before, behind and in between', async () => {
    const pair = await serve({ bio });
    expect(pair.session.renegotiations()).toBe(0);
    for (let round = 1; round <= 3; round += 1) {
      pair.node.tls.write('before ');
      const state = await begin(pair);
      pair.node.tls.write('behind');
      await readText(pair, 'before behind');
      expect(state.done).toBe(true);
      expect(pair.session.renegotiations()).toBe(round);
      await writeText(pair, 'answer');
    }
  });

  it('P23 refuses the one that is too many, computes nothing for it, and ends', async () => {
    const pair = await serve({ bio, renegotiations: 1 });
    await begin(pair);
    pair.node.tls.write('first');
    await readText(pair, 'first');
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({
      kind: 'tls',
      call: 'SSL_read',
      reason: 'the peer renegotiates too often',
      library: 0,
      stack: [],
    });
    expect(pair.session.renegotiations()).toBe(1);
    await pair.node.until(() => pair.node.error !== undefined);
    expect(pair.node.error?.message).toContain('no renegotiation');
  });

  it('P23 counts anew when the window is over', async () => {
    const pair = await serve({ bio, renegotiations: 1, renegotiationWindowMs: 1 });
    for (let round = 1; round <= 4; round += 1) {
      await begin(pair);
      pair.node.tls.write('x');
      await readText(pair, 'x');
      const until = performance.now() + 1;
      await pair.node.until(() => performance.now() > until);
    }
    expect(pair.session.renegotiations()).toBe(4);
  });

  it('P23 refuses all of them by default, and goes on', async () => {
    const pair = await serve({ bio, renegotiations: 0 });
    expect(pair.session.renegotiations()).toBeUndefined();
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.wantsRead);
    await pair.node.until(() => pair.node.error !== undefined);
    expect(pair.node.error?.message).toContain('no renegotiation');
  });

  it.each([
    ['the extended master secret (RFC 7627)', { secureOptions: 1 }],
    ['anything but TLS 1.3', { minVersion: 'TLSv1.3' }],
  ])('allows none to a client without %s', async (_what, ofNode) => {
    if ('minVersion' in ofNode) {
      const sockets = connectedPair();
      const session = new native.TlsSession(identity.server({ renegotiations: 3 }), sockets.server);
      expect(session.renegotiations()).toBeUndefined();
      session.close();
      sockets.close();
      return;
    }
    const pair = await serve({ bio }, ofNode);
    expect(pair.session.renegotiations()).toBeUndefined();
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.wantsRead);
    await pair.node.until(() => pair.node.error !== undefined);
    expect(pair.node.error?.message).toContain('no renegotiation');
  });

  it('P15 a read whose answer finds the socket full wants to write, and then reads on', async () => {
    const pair = await serve({ bio });
    const filled = fillToTheBrim(pair.fd);
    const state = await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.wantsWrite);
    // It stays so until there is room, whatever is asked.
    expect(read(pair.session).status).toBe(Status.wantsWrite);
    expect(pair.session.write(Buffer.from('too early'), 0, 9)).toBe(Status.wantsWrite);
    receive(pair.peerFd, filled);
    waitFor([pair.fd], Interest.writable);
    pair.node.tls.write('at last');
    await readText(pair, 'at last');
    expect(state.done).toBe(true);
    await writeText(pair, 'too early');
  });

  it('P16 P17 a write in the middle wants to read, reads go on, and the same bytes leave in the end', async () => {
    const pair = await serve({ bio });
    const state = await begin(pair);
    waitFor([pair.fd], Interest.readable);
    pair.node.hold();
    expect(read(pair.session).status).toBe(Status.wantsRead);
    await pair.node.until(() => pair.node.heldBytes > 0);
    // The client's next flight is on its way: nothing can be written before it, and nothing is there to be read.
    const bytes = Buffer.from('the same bytes');
    for (let round = 0; round < 3; round += 1) {
      expect(pair.session.write(bytes, 0, bytes.length)).toBe(Status.wantsRead);
      expect(read(pair.session).status).toBe(Status.wantsRead);
      expect(pair.session.readDue()).toBe(false);
    }
    expect(() => pair.session.write(bytes, 0, 3)).toThrow('must be retried with the same bytes');
    expect(() => pair.session.shutdown()).toThrow('finish that write first');
    pair.node.release();
    pair.node.tls.write('data behind it');
    waitFor([pair.fd], Interest.readable);
    // A write alone brings it to its end, and says that a read has to follow.
    await pair.node.until(() => pair.session.write(Buffer.from(bytes), 0, bytes.length) === bytes.length);
    expect(pair.session.readDue()).toBe(true);
    await readText(pair, 'data behind it');
    expect(pair.session.readDue()).toBe(false);
    await pair.node.until(() => pair.node.text === 'the same bytes' && state.done);
    expect(pair.session.renegotiations()).toBe(1);
  });

  it('P16 P17 behind a blocked write it waits, and nothing of either is lost', async () => {
    const pair = await serve({ bio });
    native.setOption(pair.fd, 'sendBufferBytes', 16_384);
    native.setOption(pair.peerFd, 'receiveBufferBytes', 65_536);
    const bytes = Buffer.alloc(1_000_000).map((_, index) => (index * 31 + (index >> 8)) & 0xff) as Buffer;
    let sent = 0;
    let answer = 0;
    while (answer >= 0) {
      answer = pair.session.write(bytes, sent, bytes.length - sent);
      if (answer > 0) sent += answer;
    }
    expect(answer).toBe(Status.wantsWrite);
    const state = await begin(pair);
    waitFor([pair.fd], Interest.readable);
    // OpenSSL alone would have called this "bad write retry".
    expect(read(pair.session).status).toBe(Status.wantsRead);
    const length = () => pair.node.heard.reduce((sum, chunk) => sum + chunk.length, 0);
    await pair.node.until(
      () => length() >= bytes.length,
      () => {
        pair.node.pump();
        if (sent < bytes.length) {
          answer = pair.session.write(bytes, sent, bytes.length - sent);
          expect(answer).not.toBe(Status.failed);
          if (answer > 0) sent += answer;
        }
      },
    );
    expect(Buffer.concat(pair.node.heard).equals(bytes)).toBe(true);
    await pair.node.until(() => state.done);
    expect(pair.session.renegotiations()).toBe(1);
  });

  it('P29 sends its close_notify behind it', async () => {
    const pair = await serveMidway(bio);
    await pair.node.until(() => pair.node.heldBytes > 0);
    expect(pair.session.shutdown()).toBe(Status.wantsRead);
    pair.node.release();
    await pair.node.until(() => pair.session.shutdown() === 0);
    await pair.node.until(() => pair.node.ended);
    expect(pair.session.renegotiations()).toBe(1);
  });

  it('P26 tells of a client that is gone in the middle of it', async () => {
    const pair = await serveMidway(bio);
    native.shutdownWrite(pair.peerFd);
    waitFor([pair.fd], Interest.readable);
    expect(pair.session.write(Buffer.from('x'), 0, 1)).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({ kind: 'truncated', call: 'SSL_read' });
  });
});

describe.each(['shared', 'socket'] as const)('a client, by the %s BIO,', (bio) => {
  it('renegotiates when its server asks, with data before, behind and in between', async () => {
    const pair = await visit({ bio });
    for (let round = 1; round <= 3; round += 1) {
      pair.node.tls.write('before ');
      const state = await begin(pair);
      pair.node.tls.write('behind');
      await readText(pair, 'before behind');
      await pair.node.until(
        () => state.done,
        () => {
          pair.node.pump();
          expect(read(pair.session).status).toBe(Status.wantsRead);
        },
      );
      expect(pair.session.renegotiations()).toBe(round);
      await writeText(pair, 'answer');
    }
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.failed);
    expect(native.lastFailure().reason).toBe('the peer renegotiates too often');
  });

  it('P23 refuses by default, and goes on', async () => {
    const pair = await visit({ bio, renegotiations: 0 });
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    expect(read(pair.session).status).toBe(Status.wantsRead);
    expect(pair.session.alerts()).toEqual({ sent: NO_RENEGOTIATION });
    expect(pair.session.renegotiations()).toBeUndefined();
  });

  it('ends where its server turns up with another certificate', async () => {
    const other = await selfSigned({ name: 'localhost', dns: ['localhost'] });
    const { certificate: cert, key } = identity.leaf;
    // Without tickets it cannot resume what was.
    const secureOptions = constants.SSL_OP_NO_TICKET;
    const pair = await visit({ bio }, { secureContext: createSecureContext({ cert, key, secureOptions }) });
    const { context } = createSecureContext({ cert: other.certificate, key: other.key, secureOptions });
    // What an SNICallback would bring about, had Node asked it a second time.
    (pair.node.tls as unknown as { _handle: { sni_context: unknown } })._handle.sni_context = context;
    const state = await begin(pair);
    let status: number = Status.wantsRead;
    await pair.node.until(
      () => status !== Status.wantsRead,
      () => {
        pair.node.pump();
        // Its last flight, and data right behind it, are read at once.
        if (state.done && !pair.node.tls.writableNeedDrain) pair.node.tls.write('from whom?');
        pair.node.release();
        pair.node.hold();
        const answer = read(pair.session);
        expect(answer.text).toBe('');
        status = answer.status;
      },
    );
    expect(status).toBe(Status.failed);
    expect(native.lastFailure()).toMatchObject({
      kind: 'tls',
      reason: 'the peer became another one by renegotiation',
      library: 0,
    });
    expect(pair.session.write(Buffer.from('x'), 0, 1)).toBe(Status.failed);
  });

  it('P16 a write that finds data in front of the answer waits until that was read', async () => {
    const pair = await visit({ bio });
    await begin(pair);
    waitFor([pair.fd], Interest.readable);
    pair.node.hold();
    // The ClientHello leaves; what the server says before it sees that is on its way.
    expect(read(pair.session).status).toBe(Status.wantsRead);
    pair.node.tls.write('in front');
    await pair.node.until(
      () => pair.node.heldBytes > 0,
      () => {},
    );
    pair.node.release();
    waitFor([pair.fd], Interest.readable);
    const bytes = Buffer.from('answer');
    expect(pair.session.write(bytes, 0, bytes.length)).toBe(Status.wantsRead);
    expect(pair.session.readDue()).toBe(true);
    expect(pair.session.write(bytes, 0, bytes.length)).toBe(Status.wantsRead);
    expect(read(pair.session)).toEqual({ status: 0, text: 'in front' });
    await pair.node.until(
      () => pair.session.write(bytes, 0, bytes.length) === bytes.length,
      () => {
        pair.node.pump();
        read(pair.session);
      },
    );
    await pair.node.until(() => pair.node.text === 'answer');
    expect(pair.session.renegotiations()).toBe(1);
  });
});
