/** What the tests of upgrades share: a request that asks for one, a protocol to go over to, and servers of both. */
import { type HttpHandler, type HttpUsageError, http } from '@sluice/http-lite';
import type { Protocol } from '@sluice/reactor';
import { FakeConnection } from './fake-connection.ts';

export const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout/1\r\n\r\n';

/** A request that asks for `protocols`. */
export const asking = (protocols = 'shout/1', more = '', line = 'GET /shout HTTP/1.1') =>
  `${line}\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: ${protocols}\r\n${more}\r\n`;
export const CONNECT = 'CONNECT example.test:443 HTTP/1.1\r\nHost: example.test:443\r\n\r\n';

/** Writes down what it is told, and answers in capitals. */
export function shouting(log: string[] = []): Protocol<string> & { readonly log: string[] } {
  return {
    log,
    onOpen: () => {
      log.push('open');
      return 'the state of the other';
    },
    onData: (conn, chunk) => {
      log.push(`data ${chunk.toString('latin1')}`);
      conn.write(chunk.toString('latin1').toUpperCase());
    },
    onDrain: () => void log.push('drain'),
    onEnd: (conn) => {
      log.push('end');
      conn.end();
    },
    onTimeout: (_conn, which) => log.push(`timeout ${which}`) > 0,
    onShutdown: () => void log.push('shutdown'),
    onClose: (_conn, reason) => void log.push(`close ${reason}`),
  };
}

/** A connection whose requests are for `handler`. */
export function serve(handler: HttpHandler, options: Parameters<typeof http>[1] = {}) {
  const errors: unknown[] = [];
  const protocol = http(handler, { onError: (error) => errors.push(error), ...options });
  return { connection: new FakeConnection(protocol as Protocol<unknown>), protocol, errors };
}

/** What `run` throws, in the words that a test compares. */
export function thrown(run: () => unknown): Record<string, unknown> | undefined {
  try {
    run();
  } catch (error) {
    const { code, message } = error as HttpUsageError;
    return { class: (error as Error).constructor, code, message };
  }
  return undefined;
}
