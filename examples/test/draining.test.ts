/** How an example server leaves when it is told to. */
import { describe, expect, it } from 'vitest';
import { lineClient } from './support/line-client.ts';
import { startServer } from './support/server.ts';

const TRUSTING = { rejectUnauthorized: false };

describe('an example server that is told to leave', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends its connections in order and exits with 0',
    async (signal) => {
      const server = await startServer('echo', ['--tls']);
      const client = await lineClient(server, TRUSTING);
      client.send('before');
      expect(await client.nextLine()).toBe('before');
      const stopped = server.stop(signal);
      expect(await client.nextLine()).toBeUndefined();
      expect(await stopped).toMatchObject({
        code: 0,
        signal: null,
        stderr: 'drained 1 connections, cut 0\n',
      });
    },
  );

  it.each(['1', '2'])('answers the request in progress first, with %s workers', async (workers) => {
    const server = await startServer('http', ['--tls', '--workers', workers]);
    const idle = await lineClient(server, TRUSTING);
    const busy = await lineClient(server, TRUSTING);
    busy.socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nfirst');
    expect(await busy.nextLine()).toBe('HTTP/1.1 200 OK');
    const stopped = server.stop();
    // The idle connection is closed as soon as the draining begins, in whichever worker it is.
    expect(await idle.nextLine()).toBeUndefined();
    busy.socket.write('last');
    const rest: string[] = [];
    for (let line = await busy.nextLine(); line !== undefined; line = await busy.nextLine()) rest.push(line);
    // Two chunks and the last one; then the end.
    expect(rest.slice(-6)).toEqual(['5', 'first', '4', 'last', '0', '']);
    expect(await stopped).toMatchObject({ code: 0, signal: null });
  });
});
