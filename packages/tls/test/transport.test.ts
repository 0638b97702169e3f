import { randomBytes } from 'node:crypto';
import { loadNative } from '@sluice/core-native';
import {
  type CloseReason,
  type Connection,
  createReactor,
  type Protocol,
  type Reactor,
  type Server,
} from '@sluice/reactor';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TlsClientOptions, type TlsOptions, tls, tlsClient } from '../src/index.ts';

const native = loadNative();
let authority: Issuer;
let identity: Issuer;
let reactor: Reactor;
let errors: Error[];
let refused: { error: Error & { code?: string }; reason: CloseReason }[];

beforeAll(async () => {
  authority = await selfSigned({ name: 'Test Authority', authority: true });
  identity = await authority.issue({ name: 'localhost', dns: ['localhost'], ip: ['127.0.0.1'] });
});

beforeEach(() => {
  errors = [];
  refused = [];
  reactor = createReactor({ poisonReads: true, onError: (error) => errors.push(error) });
});

afterEach(async () => {
  await reactor.shutdown({ deadlineMs: 0 });
  expect(native.liveObjects().tlsSessions).toBe(0);
  expect(errors).toEqual([]);
});

/** Hooks that keep what happened, with a promise for the end. */
class Recorder implements Protocol {
  readonly chunks: Buffer[] = [];
  readonly hooks: string[] = [];
  readonly closed: Promise<{ reason: CloseReason; cause: Error | undefined }>;
  private tellClosed: (how: { reason: CloseReason; cause: Error | undefined }) => void = () => {};
  private readonly after: (conn: Connection) => void;
  private readonly waiting: (() => void)[] = [];

  /** `ended` is what to do when the peer has ended. */
  constructor(ended: (conn: Connection) => void = (conn) => conn.end()) {
    this.after = ended;
    this.closed = new Promise((resolve) => {
      this.tellClosed = resolve;
    });
  }

  onOpen(): void {
    this.hooks.push('open');
  }

  onData(_conn: Connection, chunk: Buffer): void {
    this.chunks.push(Buffer.from(chunk));
    for (const wake of this.waiting.splice(0)) wake();
  }

  onEnd(conn: Connection): void {
    this.hooks.push('end');
    this.after(conn);
  }

  onClose(_conn: Connection, reason: CloseReason, cause: Error | undefined): void {
    this.hooks.push('close');
    this.tellClosed({ reason, cause });
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  async got(count: number): Promise<Buffer> {
    while (this.received.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.received;
  }
}

class Greeter extends Recorder {
  override onOpen(conn?: Connection): void {
    super.onOpen();
    conn?.write('hello');
  }
}

const echo: Protocol = {
  onOpen: () => {},
  onData: (conn, chunk) => {
    if (!conn.write(chunk)) conn.pause();
  },
  onDrain: (conn) => conn.resume(),
};

function listen<State>(protocol: Protocol<State>, options: Partial<TlsOptions> = {}): Promise<Server> {
  const transport = tls({
    cert: identity.certificate + authority.certificate,
    key: identity.key,
    ...options,
  });
  const onConnectionError = (error: Error, reason: CloseReason) => void refused.push({ error, reason });
  return reactor.listen({ host: '127.0.0.1', port: 0, transport, onConnectionError }, protocol);
}

function connect(server: Server, protocol: Protocol, options: TlsClientOptions = {}, host = 'localhost') {
  const transport = tlsClient({ ca: authority.certificate, ...options });
  return reactor.connect({ host, port: server.address()!.port, transport }, protocol);
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  test('what one side writes the other reads, in both directions at once', async () => {
    const server = await listen(echo, only);
    const client = new Recorder();
    const conn = await connect(server, client);
    const sent = randomBytes(3 * 1024 * 1024);
    conn.write(sent);
    expect((await client.got(sent.length)).equals(sent)).toBe(true);
    expect(conn.tls).toMatchObject({ protocol: version, resumed: false, servername: 'localhost' });
    conn.end();
    expect(await client.closed).toEqual({ reason: 'clean', cause: undefined });
  });

  test('the info tells cipher, group and certificate; the cipher is AES-128-GCM', async () => {
    const server = await listen(echo, only);
    const info = (await connect(server, new Recorder())).tls;
    expect(info?.cipher).toMatch(/AES_128_GCM_SHA256$/);
    expect(info?.group).toBeDefined();
    const certificate = info?.peerCertificate();
    expect(certificate?.subject).toBe('CN=localhost');
    expect(certificate?.issuer).toBe('CN=Test Authority');
  });

  test('P28 half-close works both ways: after the end of one side the other goes on writing', async () => {
    const answer = randomBytes(500_000);
    const question = randomBytes(500_000);
    const serving = new Recorder((conn) => conn.end(answer));
    const client = new Recorder();
    const conn = await connect(await listen(serving, only), client);
    conn.end(question);
    expect(await client.closed).toMatchObject({ reason: 'clean' });
    expect(await serving.closed).toMatchObject({ reason: 'clean' });
    expect(serving.received.equals(question)).toBe(true);
    expect(client.received.equals(answer)).toBe(true);
  });

  test('P26 a peer that closes TCP without close_notify is told as truncated, never as a clean end', async () => {
    const serving = new Greeter();
    const client = new Recorder();
    const conn = await connect(await listen(serving, only), client);
    conn.write('half of a mess');
    await serving.got(14);
    // With input unread (a session ticket, the greeting) it would be a reset instead.
    await client.got('hello'.length);
    conn.destroy();
    expect(await serving.closed).toMatchObject({
      reason: 'truncated',
      cause: {
        name: 'TlsError',
        code: 'ERR_TLS_TRUNCATED',
        message: expect.stringContaining('data may be missing'),
      },
    });
    expect(serving.hooks).toEqual(['open', 'close']);
  });

  test('P26 an end that waits behind data in the socket is found without a further edge', async () => {
    let held: Connection | undefined;
    const serving = new (class extends Greeter {
      override onOpen(conn?: Connection): void {
        super.onOpen(conn);
        held = conn;
        conn?.pause();
      }
    })();
    const client = new Recorder();
    const conn = await connect(await listen(serving, only), client);
    await client.got('hello'.length);
    conn.write('last words');
    await new Promise(setImmediate);
    conn.destroy();
    // The edges of both come and go while the server does not read.
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    held?.resume();
    expect(await serving.closed).toMatchObject({ reason: 'truncated' });
    expect(serving.received.toString()).toBe('last words');
  });

  test('ALPN settles on what both speak', async () => {
    const server = await listen(echo, { ...only, alpn: ['h2', 'http/1.1'] });
    const conn = await connect(server, new Recorder(), { alpn: ['echo', 'http/1.1'] });
    expect(conn.transport.applicationProtocol).toBe('http/1.1');
    const without = await connect(server, new Recorder());
    expect(without.transport.applicationProtocol).toBeUndefined();
  });

  test('ALPN without anything in common is refused on both sides', async () => {
    const server = await listen(echo, { ...only, alpn: ['h2'] });
    await expect(connect(server, new Recorder(), { alpn: ['echo'] })).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_ALERT',
    });
    expect(refused).toMatchObject([{ reason: 'error', error: { name: 'TlsError', code: 'ERR_TLS_ALPN' } }]);
  });

  test('P39 a certificate for another name is refused, and the error says which', async () => {
    const server = await listen(echo, only);
    await expect(connect(server, new Recorder(), { servername: 'elsewhere.test' })).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_HOSTNAME',
      message: expect.stringContaining('is for another name'),
    });
  });

  test('P39 a certificate of an unknown issuer is refused', async () => {
    const server = await listen(echo, only);
    const stranger = await selfSigned({ name: 'Stranger', authority: true });
    await expect(connect(server, new Recorder(), { ca: stranger.certificate })).rejects.toMatchObject({
      name: 'TlsError',
      code: 'ERR_TLS_VERIFY',
      message: expect.stringContaining('Give its issuer as ca if you trust it'),
    });
  });
});

test('an address is verified as an address, without SNI', async () => {
  const conn = await connect(await listen(echo), new Recorder(), {}, '127.0.0.1');
  expect(conn.tls?.servername).toBeUndefined();
});

test('verification can be given up, explicitly', async () => {
  const server = await listen(echo);
  const transport = tlsClient({ verify: false });
  const conn = await reactor.connect({ host: 'localhost', port: server.address()!.port, transport }, echo);
  expect(conn.tls?.protocol).toBe('TLSv1.3');
});

test('versions that do not meet are told on both sides', async () => {
  const server = await listen(echo, { minVersion: 'TLSv1.3' });
  await expect(connect(server, new Recorder(), { maxVersion: 'TLSv1.2' })).rejects.toMatchObject({
    code: 'ERR_TLS_ALERT',
  });
  expect(refused).toMatchObject([{ error: { code: 'ERR_TLS_VERSION' } }]);
});

test('a plain connection has no TLS to tell of', async () => {
  const server = await reactor.listen({ host: '127.0.0.1', port: 0 }, echo);
  const conn = await reactor.connect({ host: '127.0.0.1', port: server.address()!.port }, echo);
  expect(conn.tls).toBeUndefined();
});

test('what was asked for once is still to be had after the close', async () => {
  const conn = await connect(await listen(echo), new Recorder());
  expect(conn.tls?.protocol).toBe('TLSv1.3');
  conn.destroy();
  expect(conn.tls?.protocol).toBe('TLSv1.3');
});

test('a server that expects TLS and a client that does not: both learn it', async () => {
  const server = await listen(echo);
  const plain = new Recorder();
  const conn = await reactor.connect({ host: '127.0.0.1', port: server.address()!.port }, plain);
  conn.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await plain.closed;
  expect(refused).toMatchObject([
    {
      reason: 'error',
      error: {
        name: 'TlsError',
        code: 'ERR_TLS_HTTP_REQUEST',
        message: 'The peer sent plain HTTP to a TLS port: use https:// in the URL (http request).',
      },
    },
  ]);
});
