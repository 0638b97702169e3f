/**
 * One request before a server is measured: whoever answers something else than the others cannot be compared with them.
 *
 * Rule: what differs is an error, in words; headers besides the type and the length are everybody's own.
 */
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { get as getSealed } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { BenchError } from './bench-error.ts';

export interface Answer {
  readonly type: string;
  readonly body: Uint8Array;
}

/** Rejects with {@link BenchError} when `url` is not answered with 200 and `expected`, over TLS 1.3 where it is https. */
export async function expectAnswer(url: string, expected: Answer): Promise<void> {
  const { message, body } = await answerOf(url).catch((error: Error) => {
    throw new BenchError(`${url} is not answered: ${error.message}`);
  });
  const type = message.headers['content-type']?.split(';')[0];
  if (message.statusCode !== 200) throw new BenchError(`${url} is answered with ${message.statusCode}`);
  if (type !== expected.type) throw new BenchError(`${url} is of type ${type}, not ${expected.type}`);
  if (!body.equals(expected.body)) {
    throw new BenchError(
      `${url} is answered with ${body.length} bytes that are not the ${expected.body.length} wanted`,
    );
  }
  const version = (message.socket as TLSSocket).getProtocol?.();
  if (url.startsWith('https:') && version !== 'TLSv1.3') {
    throw new BenchError(`${url} is served over ${version}, not TLSv1.3`);
  }
}

function answerOf(url: string): Promise<{ message: IncomingMessage; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: IncomingMessage) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      message.on('end', () => resolve({ message, body: Buffer.concat(chunks) }));
    };
    // The certificate of a benchmark is nobody's; a connection of its own leaves with it.
    const request: ClientRequest = url.startsWith('https:')
      ? getSealed(url, { agent: false, rejectUnauthorized: false }, onMessage)
      : get(url, { agent: false }, onMessage);
    request.on('error', reject);
  });
}
