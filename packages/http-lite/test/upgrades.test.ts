/** Requests that are upgraded, and what they ask for. Those that may not be are in `refused-upgrades.test.ts`. */
import { setImmediate as settled } from 'node:timers/promises';
import { type HttpHandler, HttpPeerError, HttpUsageError, http } from '@sluice/http-lite';
import type { Connection, Protocol } from '@sluice/reactor';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { asking, SWITCHED, serve, shouting, thrown } from './switching.ts';

describe('a request that is upgraded', () => {
  it('is answered 101, and its connection is the other protocol’s with all bytes behind it', () => {
    const other = shouting();
    const taken: unknown[] = [];
    const { connection, protocol } = serve((req) => void taken.push(req.upgrade(other), other.log.length));
    connection.receive(`${asking()}hello GET / HTTP/1.1\r\n\r\n`).receive('world');
    expect(connection.take()).toBe(`${SWITCHED}HELLO GET / HTTP/1.1\r\n\r\nWORLD`);
    expect(other.log).toEqual(['open', 'data hello GET / HTTP/1.1\r\n\r\n', 'data world']);
    expect([taken, connection.state]).toEqual([[true, 1], 'the state of the other']);
    expect(protocol.stats()).toMatchObject({ requests: 1, answers: 1, upgrades: 1, aborted: 0 });
  });

  it('hands over the same bytes wherever its own are cut', () => {
    const wire = `${asking()}first\r\nGET / HTTP/1.1\r\n\r\n`;
    for (let cut = 1; cut < wire.length; cut += 1) {
      const { connection } = serve((req) => void req.upgrade(shouting()));
      connection.receive(wire.slice(0, cut)).receive(wire.slice(cut));
      expect(connection.take()).toBe(`${SWITCHED}FIRST\r\nGET / HTTP/1.1\r\n\r\n`);
    }
  });

  it('later, hands over what came meanwhile, in order, although so much of it paused the connection', async () => {
    const other = shouting();
    let upgrade = () => {};
    const handler: HttpHandler = (req) => {
      upgrade = () => void req.upgrade(other);
    };
    const { connection } = serve(handler, { limits: { pipelineBytes: 0 } });
    connection.receive(`${asking()}one `).receive('two ').receive('three');
    expect(connection.isPaused).toBe(true);
    upgrade();
    connection.turn();
    expect(connection.isPaused).toBe(false);
    expect(other.log.join('')).toBe('opendata one data two data three');
    expect(connection.take()).toBe(`${SWITCHED}ONE TWO THREE`);
  });

  it('leaves the pause that the other protocol asks for as it opens', async () => {
    const onOpen = (conn: Connection<string>) => {
      conn.pause();
      return '';
    };
    const other = { ...shouting(), onOpen };
    let upgrade = () => {};
    const handler: HttpHandler = (req) => {
      upgrade = () => void req.upgrade(other);
    };
    const { connection } = serve(handler, { limits: { pipelineBytes: 0 } });
    connection.receive(`${asking()}one`).receive('two');
    upgrade();
    connection.turn();
    expect([connection.isPaused, other.log]).toEqual([true, []]);
  });

  it('leaves the pause and the deadline that the other protocol sets as it opens in the request’s own turn', () => {
    const onOpen = (conn: Connection<string>) => {
      conn.pause();
      conn.setDeadline(700);
      return '';
    };
    const { connection } = serve((req) => void req.upgrade({ ...shouting(), onOpen }));
    connection.receive(`${asking()}more`);
    expect([connection.isPaused, connection.deadlineMs]).toEqual([true, 700]);
  });

  it('comes after the answers of the requests before it', async () => {
    const ends: (() => void)[] = [];
    const { connection } = serve((req, res) => {
      if (req.upgrades.length > 0) req.upgrade(shouting());
      else ends.push(() => res.end('first'));
    });
    connection.receive(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${asking()}then`);
    expect(connection.take()).toBe('');
    ends[0]?.();
    connection.turn();
    expect(connection.take()).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfirstHTTP\/1\.1 101 [\s\S]*\r\n\r\nTHEN$/,
    );
  });

  it('owes HTTP nothing any more: no deadline, no hook, no shutdown', async () => {
    const other = shouting();
    const { connection, errors } = serve((req) => void req.upgrade(other));
    connection.receive(asking().slice(0, 20));
    expect(connection.deadlineMs).toBeGreaterThan(0);
    connection.receive(asking().slice(20)).shutdown().timeout('idle').receiveEnd();
    expect(connection.deadlineMs).toBe(0);
    expect(other.log).toEqual(['open', 'shutdown', 'timeout idle', 'end', 'close clean']);
    expect(connection.take()).toBe(SWITCHED);
    expect(errors).toEqual([]);
  });

  it('has the fields that were given for it, and none of those of the answer', () => {
    const { connection } = serve((req, res) => {
      res.setHeader('x-answer', '1');
      req.upgrade(shouting(), { token: 'shout/1', fields: { 'Sec-Shout': ['a', 'b'] } });
    });
    connection.receive(asking('whisper, shout/1'));
    expect(connection.take()).toBe(SWITCHED.replace(/\r\n$/, 'Sec-Shout: a\r\nSec-Shout: b\r\n\r\n'));
  });

  it('may spell its token differently: names of protocols have no case', () => {
    const { connection } = serve((req) => void req.upgrade(shouting(), { token: 'shout/1' }));
    expect(connection.receive(asking('SHOUT/1')).take()).toBe(SWITCHED);
  });

  it('may have had interim answers', () => {
    const { connection } = serve((req, res) => {
      res.writeEarlyHints({ link: '</a>' });
      req.upgrade(shouting());
    });
    const [hints, switched] = connection.receive(asking()).take().split('\r\n\r\n');
    expect([hints?.slice(0, 12), switched?.slice(0, 12)]).toEqual(['HTTP/1.1 103', 'HTTP/1.1 101']);
  });

  it('whose body was read to its end hands over what came behind that', async () => {
    const bodies: string[] = [];
    const { connection } = serve(async (req) => {
      bodies.push(await req.body.text());
      req.upgrade(shouting());
    });
    connection.receive(`${asking('shout/1', 'Content-Length: 4\r\n', 'POST / HTTP/1.1')}bodybehind`);
    await settled();
    connection.turn();
    expect([bodies, connection.take()]).toEqual([['body'], `${SWITCHED}BEHIND`]);
  });

  it('sends 100 Continue first to a client that waits for it', async () => {
    const { connection } = serve(async (req) => {
      await req.body.bytes();
      req.upgrade(shouting());
    });
    const more = 'Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n';
    connection.receive(asking('shout/1', more, 'POST / HTTP/1.1'));
    await settled();
    expect(connection.take()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    connection.receive('1\r\nx\r\n0\r\n\r\nnow');
    await settled();
    connection.turn();
    expect(connection.take()).toBe(`${SWITCHED}NOW`);
  });

  it('is told of the end of a peer that ended before', async () => {
    const other = shouting();
    let upgrade = () => {};
    const { connection } = serve((req) => {
      upgrade = () => void req.upgrade(other);
    });
    connection.receive(`${asking()}last`).receiveEnd();
    upgrade();
    connection.turn();
    expect(other.log).toEqual(['open', 'data last', 'end', 'close clean']);
  });

  it('stays whole when its handler throws afterwards, which is told', () => {
    const other = shouting();
    const failure = new Error('too late');
    const { connection, errors } = serve((req) => {
      req.upgrade(other);
      throw failure;
    });
    connection.receive(`${asking()}hi`);
    expect([connection.take(), errors, connection.lifecycle]).toEqual([`${SWITCHED}HI`, [failure], 'open']);
  });

  it('lets nothing of its answer through, and nobody wait for room', async () => {
    const other = shouting();
    const seen: unknown[] = [];
    const handler: HttpHandler = async (req, res) => {
      const waiting = res.drained().catch((error: HttpPeerError) => error.code);
      req.upgrade(other);
      seen.push(res.headersSent, res.ended, req.signal.aborted, res.writeContinue(), await waiting);
      seen.push(
        thrown(() => res.write('more')),
        thrown(() => req.upgrade(other)),
      );
      seen.push(await res.drained().catch((error: HttpPeerError) => [error.constructor, error.message]));
    };
    const protocol = http(handler);
    const connection = new FakeConnection(protocol as Protocol<unknown>, { highWaterMarkBytes: 1 });
    connection.needsDrain = true;
    connection.receive(asking());
    await settled();
    const ended = { class: HttpUsageError, code: 'ERR_HTTP_ENDED' };
    expect(seen).toEqual([
      true,
      true,
      false,
      false,
      'ERR_HTTP_PEER_GONE',
      expect.objectContaining(ended),
      expect.objectContaining(ended),
      [HttpPeerError, expect.stringContaining('its connection was handed to another protocol')],
    ]);
    expect(connection.take()).toBe(SWITCHED);
  });
});

describe('what a client asks for', () => {
  const offers = (head: string) => {
    let seen: readonly string[] = ['nobody asked'];
    const { connection } = serve((req, res) => {
      seen = req.upgrades;
      res.end('as always');
    });
    expect(parseAnswers(connection.receive(head).take())).toMatchObject([{ status: 200, body: 'as always' }]);
    return seen;
  };

  it('is told in its order and spelling, and ignored by a handler that answers', () => {
    expect(offers(asking('websocket, HTTP/2.0'))).toEqual(['websocket', 'HTTP/2.0']);
    expect(offers(asking('a', 'Upgrade: ,b/1 ,\t c ,\r\n'))).toEqual(['a', 'b/1', 'c']);
  });

  it.each([
    ['without Connection: Upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: shout/1\r\n\r\n'],
    ['without Upgrade', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n'],
    ['in HTTP/1.0', asking('shout/1', '', 'GET / HTTP/1.0')],
    ['in a trailer', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrades\r\nUpgrade: a\r\n\r\n'],
    ['with names that are none', asking('a/b/c, d e, /1, "quoted"')],
  ])('is nothing %s', (_how, head) => {
    expect(offers(head)).toEqual([]);
  });
});
