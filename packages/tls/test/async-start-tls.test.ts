/** STARTTLS by handlers that wait: `upgrade` of `fromAsync`'s connection, on both sides. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type AsyncConnection, type AsyncHandler, fromAsync } from '@sluice/reactor';
import { tls, tlsClient } from '@sluice/tls';
import { beforeAll, expect, it } from 'vitest';
import { type Credentials, makeCertificate } from './support/certificate.ts';
import { readBytes } from './support/node-client.ts';
import { testReactor } from './support/test-reactor.ts';

const TIMEOUT = { closeTimeoutMs: 1_000 };

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCertificate();
});

/** What `conn` says up to the end of a line; what came behind it is put back. */
async function line(conn: AsyncConnection): Promise<string> {
  let text = '';
  for await (const chunk of conn) {
    const end = chunk.indexOf('\n');
    if (end >= 0) {
      conn.unshift(chunk.subarray(end + 1));
      return text + chunk.toString('latin1', 0, end);
    }
    text += chunk.toString('latin1');
  }
  throw new Error(`ended after ${JSON.stringify(text)}`);
}

/** Answers STARTTLS, then each line with what it was said over. */
function sealing(failed: (error: unknown) => void = () => {}): AsyncHandler {
  const transport = tls(credentials);
  return async (conn) => {
    if ((await line(conn)) !== 'STARTTLS') return;
    await conn.write('go ahead\n');
    try {
      await conn.upgrade(transport);
    } catch (error) {
      failed(error);
      return;
    }
    for (;;) {
      const said = await line(conn);
      if (said === 'quit') return;
      await conn.write(`${said} over ${conn.connection.tls?.protocol}\n`);
    }
  };
}

async function listening(handler: AsyncHandler): Promise<number> {
  const options = { host: '127.0.0.1', port: 0 };
  const server = await testReactor(TIMEOUT).listen(options, fromAsync(handler));
  return server.address()!.port;
}

/** The outcome of a client's handler. */
async function calling<T>(port: number, handle: (conn: AsyncConnection) => Promise<T>): Promise<T> {
  let settle: (outcome: Promise<T>) => void = () => {};
  const outcome = new Promise<T>((resolve) => {
    settle = resolve;
  });
  const protocol = fromAsync(async (conn) => {
    const handled = handle(conn);
    settle(handled);
    await handled.catch(() => {});
  });
  await testReactor(TIMEOUT).connect({ host: '127.0.0.1', port }, protocol);
  return await outcome;
}

it("seals a connection for Node's client, whose hello may come with the first words behind it", async () => {
  const raw = connectTcp(await listening(sealing()), '127.0.0.1');
  raw.write('STARTTLS\n');
  let answer = '';
  while (answer.length < 9) answer += String((await once(raw, 'data'))[0]);
  expect(answer).toBe('go ahead\n');
  const client = connectTls({ socket: raw, servername: 'localhost', ca: credentials.cert });
  client.write('hello\n');
  expect(String(await readBytes(client, 19))).toBe('hello over TLSv1.3\n');
  client.end('quit\n');
  client.resume();
  await once(client, 'close');
});

it('seals a connection of two of ours; what is put back is the handshake’s', async () => {
  const port = await listening(sealing());
  const answers = await calling(port, async (conn) => {
    await conn.write('STARTTLS\n');
    expect(await line(conn)).toBe('go ahead');
    await conn.upgrade(tlsClient({ ca: credentials.cert }), { host: 'localhost' });
    await conn.write('first\nsecond\n');
    const heard = [await line(conn), await line(conn)];
    await conn.end('quit\n');
    return heard;
  });
  expect(answers).toEqual(['first over TLSv1.3', 'second over TLSv1.3']);
});

it('that fail are told on both sides: the handshake’s error is thrown', async () => {
  let fail: (error: unknown) => void = () => {};
  const failure = new Promise((resolve) => {
    fail = resolve;
  });
  const port = await listening(sealing(fail));
  const upgrading = calling(port, async (conn) => {
    await conn.write('STARTTLS\n');
    await line(conn);
    await conn.upgrade(tlsClient(), { host: 'localhost' });
  });
  await expect(upgrading).rejects.toMatchObject({ code: 'ERR_TLS_VERIFY' });
  expect(await failure).toMatchObject({ code: 'ERR_TLS_ALERT' });
});

it('CVE-2011-0411: bytes in plain behind the command fail the handshake, and are read by nobody', async () => {
  let fail: (error: unknown) => void = () => {};
  const failure = new Promise((resolve) => {
    fail = resolve;
  });
  const raw = connectTcp(await listening(sealing(fail)), '127.0.0.1');
  raw.on('error', () => {});
  const heard: Buffer[] = [];
  raw.on('data', (chunk) => heard.push(chunk));
  raw.write('STARTTLS\ninjected\n');
  await once(raw, 'close');
  expect(await failure).toMatchObject({ name: 'TlsError' });
  expect(Buffer.concat(heard).toString('latin1')).not.toContain('injected');
});
