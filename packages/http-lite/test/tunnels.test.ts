import { type HttpHandler, HttpUsageError, http } from '@sluice/http-lite';
import { UsageError } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { CONNECT, serve, shouting, thrown } from './switching.ts';

describe('CONNECT', () => {
  it('is answered 501 without the option, whatever the handler does', () => {
    const { connection } = serve((req) => void req.upgrade(shouting()));
    expect(parseAnswers(connection.receive(CONNECT).take())).toMatchObject([
      { status: 501, headers: { connection: 'close' } },
    ]);
  });

  it('opens a tunnel without a body or a word of its length, and what follows is of the tunnel', () => {
    const other = shouting();
    const seen: unknown[] = [];
    const handler: HttpHandler = (req) => {
      seen.push(req.method, req.target, req.path, req.upgrades);
      req.upgrade(other, { fields: { via: '1.1 me' } });
    };
    const { connection } = serve(handler, { connect: true });
    const sent = connection.receive(`${CONNECT}GET / HTTP/1.1\r\n\r\n`).take();
    expect(sent).toMatch(
      /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+\r\nvia: 1\.1 me\r\n\r\nGET \/ HTTP\/1\.1\r\n\r\n$/,
    );
    expect(seen).toEqual(['CONNECT', 'example.test:443', 'example.test:443', []]);
    expect(other.log).toEqual(['open', 'data GET / HTTP/1.1\r\n\r\n']);
  });

  it('has the date of its handler, once', () => {
    const fields = { DATE: 'Sun, 06 Nov 1994 08:49:37 GMT' };
    const { connection } = serve((req) => void req.upgrade(shouting(), { fields }), { connect: true });
    expect(connection.receive(CONNECT).take()).toBe(`HTTP/1.1 200 OK\r\nDATE: ${fields.DATE}\r\n\r\n`);
  });

  it.each([
    ['Content-Length: 0', 'ERR_HTTP_CONTENT_LENGTH'],
    ['Content-Length: 4', 'ERR_HTTP_CONTENT_LENGTH'],
    ['Transfer-Encoding: chunked', 'ERR_HTTP_TRANSFER_ENCODING'],
  ])('with %s is answered 400 and reaches nobody', (field, code) => {
    let calls = 0;
    const { connection, protocol } = serve(() => void calls++, { connect: true });
    connection.receive(CONNECT.replace('\r\n\r\n', `\r\n${field}\r\n\r\n`));
    expect(parseAnswers(connection.take())).toMatchObject([
      {
        status: 400,
        body: expect.stringContaining(
          '400 Bad Request: CONNECT has no content, and no field that frames any',
        ),
        headers: { connection: 'close' },
      },
    ]);
    expect([calls, protocol.stats().refused]).toEqual([0, { [code]: 1 }]);
  });

  it('that is refused by its handler is the last request: what follows may have been meant for the tunnel', () => {
    const targets: string[] = [];
    const handler: HttpHandler = (req, res) => {
      targets.push(req.target);
      res.status = 403;
      res.end('no');
    };
    const { connection } = serve(handler, { connect: true });
    connection.receive(`${CONNECT}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(parseAnswers(connection.take())).toMatchObject([
      { status: 403, headers: { connection: 'close' } },
    ]);
    expect([targets, connection.calls]).toEqual([['example.test:443'], ['close']]);
  });

  it.each([200, 204, 299])('is never answered %i in any other way', (status) => {
    const { connection, errors } = serve(
      (_req, res) => {
        res.status = status;
        res.end();
      },
      { connect: true },
    );
    expect(parseAnswers(connection.receive(CONNECT).take())).toMatchObject([{ status: 500 }]);
    expect(errors).toEqual([
      expect.objectContaining({
        code: 'ERR_HTTP_STATUS',
        message: `a client takes what follows ${status} for the tunnel that it asked for: call req.upgrade(), or answer with an error`,
      }),
    ]);
  });

  it('has no token, and no tunnel in HTTP/1.0', () => {
    const seen: unknown[] = [];
    const handler: HttpHandler = (req, res) => {
      seen.push(thrown(() => req.upgrade(shouting(), { token: 'shout/1' })));
      res.status = 501;
      res.end();
    };
    serve(handler, { connect: true }).connection.receive(CONNECT);
    serve(handler, { connect: true }).connection.receive(CONNECT.replace('HTTP/1.1', 'HTTP/1.0'));
    const why = (text: string) => ({
      class: HttpUsageError,
      code: 'ERR_HTTP_UPGRADE',
      message: `this request cannot change the protocol: ${text}`,
    });
    expect(seen).toEqual([
      why('CONNECT opens a tunnel, which has no token'),
      why('HTTP/1.0 knows no other protocol'),
    ]);
  });

  it('may not come early', () => {
    const { connection } = serve((req) => void req.upgrade(shouting()), { connect: true });
    connection.lifecycle = 'early';
    expect(parseAnswers(connection.receive(CONNECT).take())).toMatchObject([{ status: 425 }]);
  });

  it('is an option that is a boolean', () => {
    expect(thrown(() => http(() => {}, { connect: 'yes' as unknown as boolean }))).toMatchObject({
      class: UsageError,
      code: 'ERR_OPTION_VALUE',
    });
  });
});
