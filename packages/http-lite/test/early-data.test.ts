import { type HttpHandler, HttpRequestError, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';

const get = (more = '') => `GET / HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (more = '') => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n${more}\r\nbody`;

/** A connection that is open before its handshake is complete. */
function early(handler: HttpHandler) {
  const protocol = http(handler);
  const connection = new FakeConnection(protocol);
  connection.lifecycle = 'early';
  return { connection, protocol };
}

const tell: HttpHandler = (req, res) => res.end(`${req.method} ${req.early}`);
const bodies = (connection: FakeConnection<unknown>) =>
  parseAnswers(connection.take()).map(({ status, body }) => `${status} ${body}`);

describe('P48 a request that came early', () => {
  it('is handled and marked when its method is safe', () => {
    const { connection } = early(tell);
    for (const method of ['GET', 'OPTIONS', 'TRACE']) {
      connection.receive(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    }
    expect(bodies(connection)).toEqual(['200 GET true', '200 OPTIONS true', '200 TRACE true']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'get', 'WHATEVER'])(
    '%s is answered 425, does not reach the handler, and the connection goes on',
    (method) => {
      const { connection, protocol } = early(tell);
      connection.receive(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody${get()}`);
      const [refusal, next] = parseAnswers(connection.take());
      expect(refusal).toMatchObject({
        status: 425,
        body: '425 Too Early: this came as early data, which may be a replay; send it again when the handshake is complete\n',
      });
      expect(refusal!.headers['connection']).toBeUndefined();
      expect(next!.body).toBe('GET true');
      expect(protocol.stats().refused).toEqual({ ERR_HTTP_TOO_EARLY: 1 });
      expect(connection.calls).toEqual([]);
    },
  );

  it('is an ordinary one when the handshake was complete before its head was', () => {
    const { connection } = early(tell);
    const wire = post();
    connection.receive(wire.slice(0, 20));
    connection.lifecycle = 'open';
    connection.receive(wire.slice(20) + get());
    expect(bodies(connection)).toEqual(['200 POST false', '200 GET false']);
  });

  it('stays marked while it waits, and its body may come afterwards', async () => {
    const { connection } = early(async (req, res) => res.end(`${await req.body.text()} ${req.early}`));
    connection.receive('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf');
    connection.lifecycle = 'open';
    connection.receive('half');
    await new Promise((resolve) => setImmediate(resolve));
    expect(bodies(connection)).toEqual(['200 halfhalf true']);
  });

  it('may be refused by the handler as well', () => {
    const { connection, protocol } = early(() => {
      throw new HttpRequestError('ERR_HTTP_TOO_EARLY', 'not even this');
    });
    connection.receive(get());
    expect(bodies(connection)).toEqual(['425 425 Too Early: not even this\n']);
    expect(protocol.stats().refused).toEqual({ ERR_HTTP_TOO_EARLY: 1 });
  });
});

describe('P48 a request that came early to a proxy', () => {
  it.each(['Early-Data: 1\r\n', 'early-data:1\r\n'])('and says so by %j is treated the same', (field) => {
    const connection = new FakeConnection(http(tell));
    connection.receive(get(field) + post(field) + get());
    const answers = bodies(connection);
    expect(answers).toEqual(['200 GET true', expect.stringMatching(/^425 /), '200 GET false']);
  });
});
