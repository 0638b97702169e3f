/** Several TLS connections that are ready at once, whose records are opened and sealed in one call for all of them. */
import { BATCH_FIELDS, loadNative, READ_MORE, Status } from '@sluice/core-native';
import type { ClientTransport, CloseReason, Connection, Protocol } from '@sluice/reactor';
import { type TlsOptions, tls, tlsClient } from '@sluice/tls';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import type { Closing } from './support/echo-protocol.ts';
import { Party } from './support/party.ts';
import { Tally } from './support/tally.ts';
import { testReactor } from './support/test-reactor.ts';

const native = loadNative();

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

/** The outcomes of sessions in calls for many. */
let received: number[];
let sent: number[];
beforeEach(() => {
  received = [];
  sent = [];
  const watch = (name: 'recvMany' | 'sendMany', outcomes: number[]) => {
    const call = native[name];
    const spy = vi.spyOn(native, name).mockImplementation((table, count, bytes) => {
      call(table, count, bytes);
      for (let at = 0; at < count * BATCH_FIELDS; at += BATCH_FIELDS)
        if (table[at]! < -1) outcomes.push(table[at + BATCH_FIELDS - 1]!);
    });
    return () => spy.mockRestore();
  };
  const restores = [watch('recvMany', received), watch('sendMany', sent)];
  return () => restores.forEach((restore) => void restore());
});

/** A server of ours, and as many connections of ours to it. */
async function crowd(
  count: number,
  protocol: Echo,
  options: Partial<TlsOptions> & { accepted?: number[] } = {},
  client: ClientTransport = tlsClient({ ca: credentials.cert }),
) {
  const reactor = testReactor();
  const clients = testReactor();
  const { accepted = [], ...rest } = options;
  const served = tls({ ...credentials, ...rest });
  const accept: typeof served.accept = (fd, head) => {
    accepted.push(fd);
    return served.accept(fd, head);
  };
  const transport = { ...served, accept };
  const server = await reactor.listen({ host: '127.0.0.1', port: 0, transport }, protocol);
  const parties = Array.from({ length: count }, () => new Party());
  const conns = await Promise.all(
    parties.map((party) =>
      clients.connect({ host: 'localhost', port: server.address()!.port, transport: client }, party),
    ),
  );
  await protocol.opened.reach(count);
  return { parties, conns };
}

/** Echoes, and keeps what it heard by connection. */
class Echo implements Protocol {
  readonly opened = new Tally<Connection>();
  readonly heard = new Map<Connection, string>();
  onChunk: (conn: Connection, text: string) => void = (conn, text) => void conn.write(text);

  onOpen(conn: Connection): void {
    this.opened.add(conn);
  }

  onData(conn: Connection, chunk: Buffer): void {
    const text = chunk.toString('latin1');
    this.heard.set(conn, (this.heard.get(conn) ?? '') + text);
    this.onChunk(conn, text);
  }
}

describe('connections that are ready at once', () => {
  it('are read together and answered together', async () => {
    const { parties, conns } = await crowd(8, new Echo());
    for (let round = 0; round < 5; round += 1) {
      conns.forEach((conn, at) => void conn.write(`round ${round} of ${at}.`));
      const heard = await Promise.all(parties.map((party) => party.heard(13 * (round + 1))));
      heard.forEach(
        (bytes, at) => void expect(bytes.toString().endsWith(`round ${round} of ${at}.`)).toBe(true),
      );
    }
    expect(received.filter((outcome) => outcome > 0).length).toBeGreaterThan(0);
    expect(sent.filter((outcome) => outcome > 0).length).toBeGreaterThan(0);
  });

  it('get all of what is more than was read for them', async () => {
    const { parties, conns } = await crowd(4, new Echo());
    const texts = conns.map((_, at) => String.fromCharCode(0x61 + at).repeat(20_000));
    conns.forEach((conn, at) => void conn.write(texts[at]!));
    const heard = await Promise.all(parties.map((party) => party.heard(20_000)));
    expect(heard.map(String)).toEqual(texts);
    expect(received.some((outcome) => outcome > 0 && (outcome & READ_MORE) !== 0)).toBe(true);
  });

  it('P3 hear what came before the end of their peer, and the end', async () => {
    const echo = new Echo();
    const { parties, conns } = await crowd(
      4,
      Object.assign(echo, { onEnd: (conn: Connection) => conn.end('bye') }),
    );
    for (const conn of conns) {
      conn.write('last words. ');
      conn.end();
    }
    const heard = await Promise.all(parties.map((party) => party.heard(15)));
    expect(heard.map(String)).toEqual(Array.from({ length: 4 }, () => 'last words. bye'));
    for (const party of parties) await party.closed.reach(1);
  });

  it('P21 may be closed by a hook of another, whose bytes then go nowhere', async () => {
    const echo = new Echo();
    const { parties, conns } = await crowd(4, echo);
    echo.onChunk = (conn) => {
      for (const other of echo.opened.items) if (other !== conn) other.destroy();
      conn.write('survivor');
    };
    for (const conn of conns) conn.write('me');
    const heard = await Promise.race(parties.map(async (party) => party.heard(8)));
    expect(heard.toString()).toBe('survivor');
    expect(echo.heard.size).toBe(1);
  });

  it('may be paused by a hook of another, and have everything when they resume', async () => {
    const echo = new Echo();
    const { parties, conns } = await crowd(4, echo);
    let waiting: Connection[] = [];
    echo.onChunk = (conn, text) => {
      if (waiting.length === 0) {
        waiting = echo.opened.items.filter((other) => other !== conn);
        for (const other of waiting) other.pause();
      }
      conn.write(text);
    };
    conns.forEach((conn, at) => void conn.write(`number ${at}`));
    await Promise.race(parties.map((party) => party.heard(8)));
    expect(echo.heard.size).toBe(1);
    for (const conn of waiting) conn.resume();
    const heard = await Promise.all(parties.map((party) => party.heard(8)));
    expect(heard.map(String)).toEqual(conns.map((_, at) => `number ${at}`));
  });

  it('P17 whose answer finds no room send all of it, in order, when there is some', async () => {
    const echo = new Echo();
    const { parties, conns } = await crowd(2, echo);
    for (const conn of conns) conn.pause();
    const answer = (number: number) => String(number).padEnd(1_500, '.');
    const answered = new Map<Connection, number>();
    // One answer to each question, however many come in a chunk.
    echo.onChunk = (conn, text) => {
      const first = answered.get(conn) ?? 0;
      answered.set(conn, first + text.length);
      for (let number = first; number < first + text.length; number += 1) conn.write(answer(number));
    };
    let asked = 0;
    while (!sent.includes(Status.wantsWrite)) {
      asked += 1;
      for (const conn of conns) conn.write('?');
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const conn of conns) conn.resume();
    const heard = await Promise.all(parties.map((party) => party.heard(asked * 1_500)));
    const wanted = Array.from({ length: asked }, (_, number) => answer(number)).join('');
    for (const bytes of heard) expect(bytes.toString() === wanted).toBe(true);
  });

  it('P29 whose record is damaged close with the error, and the others are answered', async () => {
    const closed = new Tally<Closing>();
    const echo = Object.assign(new Echo(), {
      onClose: (_conn: Connection, reason: CloseReason, cause?: Error) => closed.add({ reason, cause }),
    });
    const fds: number[] = [];
    const client = tlsClient({ ca: credentials.cert });
    const connect: typeof client.connect = (fd, ...rest) => {
      fds.push(fd);
      return client.connect(fd, ...rest);
    };
    const { parties, conns } = await crowd(4, echo, {}, { ...client, connect });
    const forged = Buffer.from('\x17\x03\x03\x00\x14no record of anybody', 'latin1');
    expect(native.send(fds[0]!, forged, 0, forged.length)).toBe(forged.length);
    for (const conn of conns) conn.write('sound');
    const [first] = await closed.reach(1);
    expect(first).toMatchObject({ reason: 'error', cause: { code: 'ERR_TLS_BAD_RECORD' } });
    await Promise.race(parties.map((party) => party.closed.reach(1)));
    const sound = parties.filter((party) => party.closed.items.length === 0);
    expect(sound.length).toBe(3);
    const heard = await Promise.all(sound.map((party) => party.heard(5)));
    expect(heard.map(String)).toEqual(['sound', 'sound', 'sound']);
    expect(received).toContain(Status.failed);
  });
});

it('P5 connections whose sockets break before they are answered together close with the reason of that', async () => {
  const closed = new Tally<Closing>();
  const echo = Object.assign(new Echo(), {
    onClose: (_conn: Connection, reason: CloseReason, cause?: Error) => closed.add({ reason, cause }),
  });
  const accepted: number[] = [];
  const { conns } = await crowd(4, echo, { accepted });
  echo.onChunk = (conn) => {
    conn.write('never to arrive');
    for (const fd of accepted.splice(0)) native.shutdownWrite(fd);
  };
  for (const conn of conns) conn.write('x');
  for (const end of await closed.reach(4))
    expect(end).toMatchObject({ reason: 'reset', cause: { code: 'EPIPE' } });
  expect(sent).toContain(Status.failed);
});

describe('sessions that are not read for together', () => {
  it.each([
    ['log their keys', { onKeyLog: () => {} }],
    ['may renegotiate', { maxVersion: 'TLSv1.2', renegotiation: { limit: 2 } }],
  ] as const)('are those that %s', async (_what, options) => {
    const { parties, conns } = await crowd(4, new Echo(), options as Partial<TlsOptions>);
    for (const conn of conns) conn.write('x');
    await Promise.all(parties.map((party) => party.heard(1)));
    // The clients' own are.
    expect(sent).toEqual([]);
  });
});
