import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { Interest, type NativeTlsSession, READ_MORE, Status } from '../src/index.ts';
import { identityFor } from './support/identity.ts';
import { listenOnLoopback } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';
import { RecordWriter } from './support/tls13-records.ts';

leavesNothingBehind();

const identity = identityFor({ dns: ['localhost'] });
const { server } = identity;

/** Calls `attempt` from Node's loop, as the reactor does, until it answers something else than a want. */
function untilAsync(fd: number, attempt: () => number): Promise<number> {
  return new Promise((resolve, reject) => {
    const epoll = new native.Epoll(new Int32Array(3));
    const run = () => {
      try {
        const result = attempt();
        if (result === Status.wantsRead || result === Status.wantsWrite) return;
        epoll.close();
        if (result === Status.failed) reject(new Error(JSON.stringify(native.lastFailure())));
        else resolve(result);
      } catch (error) {
        epoll.close();
        reject(error);
      }
    };
    epoll.add(fd, 0, 0, Interest.readable | Interest.writable);
    epoll.watch(run);
  });
}

async function readText(session: NativeTlsSession, fd: number): Promise<string> {
  const buffer = Buffer.alloc(65536);
  const count = await untilAsync(fd, () => session.read(buffer, 0, buffer.length));
  return buffer.toString('latin1', 0, count & ~READ_MORE);
}

/** A native server session for one node:tls client. */
async function acceptFrom(
  context: InstanceType<typeof native.TlsContext>,
  connect: (port: number) => TLSSocket,
) {
  const listener = listenOnLoopback();
  const socket = connect(listener.port);
  const fd = await untilAsync(listener.fd, () => native.accept(listener.fd));
  native.close(listener.fd);
  const session = new native.TlsSession(context, fd);
  const close = async () => {
    session.close();
    native.close(fd);
    socket.destroy();
    if (!socket.closed) await once(socket, 'close');
  };
  return { socket, session, fd, close };
}

describe('node:tls as client', () => {
  const options = () => ({ host: '127.0.0.1', servername: 'localhost', ca: identity.authority.certificate });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('talks %s with us and verifies us', async (version) => {
    const peer = await acceptFrom(server({ alpn: ['h2'] }), (port) =>
      connectTls({ ...options(), port, maxVersion: version, ALPNProtocols: ['h2'] }),
    );
    const secured = once(peer.socket, 'secureConnect');
    await untilAsync(peer.fd, () => peer.session.handshake());
    await secured;
    expect(peer.socket.authorized).toBe(true);
    expect(peer.socket.getProtocol()).toBe(version);
    expect(peer.socket.alpnProtocol).toBe('h2');
    expect(peer.session.info()).toMatchObject({ protocol: version, alpn: 'h2', servername: 'localhost' });

    peer.socket.write('from node');
    expect(await readText(peer.session, peer.fd)).toBe('from node');
    const data = once(peer.socket, 'data');
    peer.session.write(Buffer.from('from sluice'), 0, 11);
    expect(String((await data)[0])).toBe('from sluice');

    peer.socket.end();
    expect(await untilAsync(peer.fd, () => peer.session.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    await peer.close();
  });

  it.each([
    [undefined, 1],
    [0, 0],
    [3, 3],
  ])('P33 is sent as many tickets as were asked for: %j gives %i', async (tickets, expected) => {
    const peer = await acceptFrom(server({ tickets }), (port) => connectTls({ ...options(), port }));
    let received = 0;
    peer.socket.on('session', () => {
      received += 1;
    });
    await untilAsync(peer.fd, () => peer.session.handshake());
    const data = once(peer.socket, 'data');
    peer.session.write(Buffer.from('x'), 0, 1);
    await data;
    expect(received).toBe(expected);
    await peer.close();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'P34 resumes %s under the context that gave the ticket only',
    async (version) => {
      const trusting = server({ maxVersion: version });
      const other = server({ maxVersion: version, sessionIdContext: 'another policy' });
      let ticket: Buffer | undefined;
      for (const [context, resumed] of [
        [trusting, false],
        [trusting, true],
        [other, false],
      ] as const) {
        const session = ticket;
        const peer = await acceptFrom(context, (port) =>
          connectTls({ ...options(), port, ...(session && { session }) }),
        );
        peer.socket.on('session', (given: Buffer) => {
          ticket = given;
        });
        await untilAsync(peer.fd, () => peer.session.handshake());
        const data = once(peer.socket, 'data');
        peer.session.write(Buffer.from('x'), 0, 1);
        await data;
        expect(peer.session.info().resumed).toBe(resumed);
        expect(peer.socket.isSessionReused()).toBe(resumed);
        await peer.close();
      }
    },
  );

  it('P23 is refused a renegotiation', async () => {
    const peer = await acceptFrom(server(), (port) =>
      connectTls({ ...options(), port, maxVersion: 'TLSv1.2' }),
    );
    peer.socket.on('error', () => {});
    const secured = once(peer.socket, 'secureConnect');
    await untilAsync(peer.fd, () => peer.session.handshake());
    await secured;
    const answered = new Promise((resolve) => peer.socket.renegotiate({}, resolve));
    const read = untilAsync(peer.fd, () => peer.session.read(Buffer.alloc(1), 0, 1)).catch(
      (error: Error) => error,
    );
    const refused = await Promise.race([
      answered,
      once(peer.socket, 'error').then(([error]) => error as Error),
    ]);
    expect(refused).toBeInstanceOf(Error);
    peer.socket.destroy();
    await read;
    await peer.close();
  });
});

describe('P23 a peer that changes its keys', () => {
  /** A session, and a writer of records for the client's direction, which has sent nothing yet. */
  async function handcrafted() {
    const listener = listenOnLoopback();
    const tcp = connectTcp(listener.port, '127.0.0.1');
    const client = connectTls({ socket: tcp, servername: 'localhost', ca: identity.authority.certificate });
    client.on('error', () => {});
    const secret = new Promise<Buffer>((resolve) => {
      client.on('keylog', (line: Buffer) => {
        const [label, , value] = line.toString().trim().split(' ');
        if (label === 'CLIENT_TRAFFIC_SECRET_0') resolve(Buffer.from(value!, 'hex'));
      });
    });
    const fd = await untilAsync(listener.fd, () => native.accept(listener.fd));
    native.close(listener.fd);
    const session = new native.TlsSession(server(), fd);
    await untilAsync(fd, () => session.handshake());
    const writer = new RecordWriter(await secret);
    const close = async () => {
      session.close();
      native.close(fd);
      client.destroy();
      tcp.destroy();
      if (!tcp.closed) await once(tcp, 'close');
    };
    return { tcp, fd, session, writer, close };
  }

  it('is followed, any number of times, as long as it sends data too', async () => {
    const peer = await handcrafted();
    let received = '';
    for (let round = 0; round < 10; round += 1) {
      const updates = Array.from({ length: 20 }, () => peer.writer.keyUpdate());
      peer.tcp.write(Buffer.concat([...updates, peer.writer.applicationData('data ')]));
      received += await readText(peer.session, peer.fd);
    }
    expect(received).toBe('data '.repeat(10));
    await peer.close();
  });

  it('and sends nothing else is cut off, with the data before it delivered', async () => {
    const peer = await handcrafted();
    const data = peer.writer.applicationData('last');
    const updates = Array.from({ length: 200 }, () => peer.writer.keyUpdate());
    peer.tcp.write(Buffer.concat([data, ...updates]));
    expect(await readText(peer.session, peer.fd)).toBe('last');
    const read = () => peer.session.read(Buffer.alloc(10), 0, 10);
    await expect(untilAsync(peer.fd, read)).rejects.toThrow(
      'too many records in a row without application data',
    );
    expect(native.lastFailure()).toMatchObject({ kind: 'tls', call: 'SSL_read', library: 0, stack: [] });
    await peer.close();
  });
});

describe('node:tls as server', () => {
  it('is verified by us, and takes our close_notify for an end', async () => {
    const ended: string[] = [];
    const node = createServer({ cert: identity.leaf.certificate, key: identity.leaf.key }, (socket) => {
      socket.on('data', (chunk) => socket.write(`echo ${chunk}`));
      socket.on('end', () => ended.push('end'));
    });
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    const fd = native.connect('127.0.0.1', (node.address() as AddressInfo).port);
    await untilAsync(fd, () => native.connectResult(fd));
    const context = new native.TlsContext({
      role: 'client',
      verifyPeer: true,
      trustAnchors: [identity.authority.certificate],
    });
    const session = new native.TlsSession(context, fd, { servername: 'localhost', verifyName: 'localhost' });
    await untilAsync(fd, () => session.handshake());
    expect(session.verifyResult().ok).toBe(true);
    session.write(Buffer.from('hello'), 0, 5);
    expect(await readText(session, fd)).toBe('echo hello');
    expect(session.shutdown()).toBe(0);
    expect(await untilAsync(fd, () => session.read(Buffer.alloc(1), 0, 1))).toBe(Status.ended);
    expect(ended).toEqual(['end']);
    session.close();
    native.close(fd);
    await new Promise((resolve) => node.close(resolve));
  });
});

describe('node:net as client', () => {
  it('is told as truncated when it closes in the middle of the handshake', async () => {
    const listener = listenOnLoopback();
    const socket: Socket = connectTcp(listener.port, '127.0.0.1');
    const fd = await untilAsync(listener.fd, () => native.accept(listener.fd));
    const session = new native.TlsSession(server(), fd);
    // The first five bytes of a ClientHello.
    socket.end(Buffer.from([22, 3, 1, 2, 0]));
    await expect(untilAsync(fd, () => session.handshake())).rejects.toThrow('"kind":"truncated"');
    session.close();
    native.close(fd);
    native.close(listener.fd);
    socket.destroy();
    await once(socket, 'close');
  });
});
