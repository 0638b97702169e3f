import { type HttpHandler, type HttpLimits, http } from '@sluice/http-lite';
import { describe, expect, it } from 'vitest';
import { parseAnswers } from './answers.ts';
import { FakeConnection } from './fake-connection.ts';
import { settled } from './replay.ts';

const get = (n: number | string = 0) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`;
const many = (count: number) => Array.from({ length: count }, (_, n) => get(n)).join('');

function serve(handler: HttpHandler, limits: Partial<HttpLimits> = {}, highWaterMarkBytes?: number) {
  const options = highWaterMarkBytes === undefined ? {} : { highWaterMarkBytes };
  return new FakeConnection(http(handler, { limits }), options);
}

const bodies = (connection: FakeConnection<unknown>) =>
  parseAnswers(connection.take()).map(({ body }) => body);
const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await settled();
};
const numbers = (count: number) => Array.from({ length: count }, (_, n) => `/${n}`);

describe('pipelined requests', () => {
  it('10,000 in one chunk are answered in order, when the handler answers at once', async () => {
    const connection = serve((req, res) => res.end(req.target)).receive(many(10_000));
    await turns(100);
    expect(bodies(connection)).toEqual(numbers(10_000));
    expect(connection.calls).toEqual(['pause', 'resume']);
  });

  it('10,000 in one chunk are answered in order, when the handler answers later', async () => {
    const connection = serve(async (req, res) => {
      await undefined;
      res.end(req.target);
    }).receive(many(10_000));
    await turns(110);
    expect(bodies(connection)).toEqual(numbers(10_000));
    expect(connection.calls).toEqual(['pause', 'resume']);
  });

  it('10,000 that ended inside another answer’s end need no stack', async () => {
    let end = () => {};
    const connection = serve((req, res) => {
      if (req.target === '/0') end = () => res.end(req.target);
      else res.end(req.target);
    }).receive(many(10_000));
    end();
    await turns(100);
    expect(bodies(connection)).toEqual(numbers(10_000));
  });

  for (const way of ['at once', 'later'] as const) {
    it(`leave their turn to others after so many of them, when the handler answers ${way}`, async () => {
      const protocol = http(
        async (req, res) => {
          if (way === 'later') await undefined;
          res.end(req.target);
        },
        { limits: { pipelinedRequests: 4 } },
      );
      const connection = new FakeConnection(protocol).receive(many(10));
      await Promise.resolve().then(() => {});
      const seen: number[] = [];
      for (let turn = 0; turn < 4; turn++) {
        seen.push(parseAnswers(connection.take()).length);
        await settled();
      }
      // What answers later does so before the first look only in part: what counts is that no turn has more than four.
      expect(Math.max(...seen)).toBe(4);
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(10);
      expect(protocol.stats().limited.pipelinedRequests).toBe(2);
    });
  }

  it('that wait for their next turn are answered although the peer has ended its side meanwhile', async () => {
    const connection = serve((req, res) => res.end(req.target), { pipelinedRequests: 2 })
      .receive(many(5))
      .receiveEnd();
    expect(bodies(connection)).toEqual(numbers(2));
    await turns(3);
    expect(bodies(connection)).toEqual(['/2', '/3', '/4']);
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });

  it('that wait for their next turn are forgotten when the connection closes', async () => {
    const targets: string[] = [];
    const handler: HttpHandler = (req, res) => {
      targets.push(req.target);
      res.end();
    };
    const connection = serve(handler, { pipelinedRequests: 2 }).receive(many(5)).reset();
    await turns(3);
    expect(targets).toEqual(['/0', '/1']);
    expect(connection.calls).toEqual(['closed reset']);
  });

  it('that come while others wait for their turn stay behind them', async () => {
    const connection = serve((req, res) => res.end(req.target), { pipelinedRequests: 2 })
      .receive(many(5))
      .receive(get(5));
    await turns(3);
    expect(bodies(connection)).toEqual(numbers(6));
  });

  it('are handled strictly one after another', async () => {
    const log: string[] = [];
    const connection = serve(async (req, res) => {
      log.push(`begin ${req.target}`);
      await settled();
      log.push(`end ${req.target}`);
      res.end();
    }).receive(many(2) + get(2).slice(0, 9));
    connection.receive(get(2).slice(9));
    for (let turn = 0; turn < 6; turn++) await settled();
    expect(log).toEqual(['begin /0', 'end /0', 'begin /1', 'end /1', 'begin /2', 'end /2']);
  });

  it('pause the connection beyond pipelineBytes, and resume it when half of that is left', () => {
    const ends: (() => void)[] = [];
    const connection = serve((_req, res) => void ends.push(() => res.end()), { pipelineBytes: 1000 });
    for (let count = 0; count < 7; count++) connection.receive(get());
    expect(connection.calls).toEqual([]);
    connection.receive(get());
    expect(connection.calls).toEqual(['pause']);
    while (ends.length > 0 && connection.isPaused) ends.shift()?.();
    expect(connection.calls).toEqual(['pause', 'resume']);
    expect(parseAnswers(connection.take())).toHaveLength(4);
    while (ends.length > 0) ends.shift()?.();
    connection.turn();
    expect(parseAnswers(connection.take())).toHaveLength(4);
  });

  it('are not answered faster than the peer takes the answers', () => {
    const connection = serve((req, res) => res.end(req.target), {}, 500).receive(many(10));
    const first = bodies(connection);
    expect(first.length).toBeLessThan(10);
    connection.receive(get(10));
    expect(connection.take()).toBe('');
    const rest: string[] = [];
    for (let turn = 0; turn < 10; turn++) rest.push(...bodies(connection.drain()));
    expect([...first, ...rest]).toEqual(numbers(11));
  });

  it('behind a request that closes are never read', () => {
    const targets: string[] = [];
    const connection = serve((req, res) => {
      targets.push(req.target);
      res.end();
    }).receive(`${get(0)}GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${get(2)}`);
    connection.receive(get(3));
    expect(targets).toEqual(['/0', '/1']);
    expect(connection.calls).toEqual(['close']);
  });

  it('that were read before the peer ended its side are all answered', async () => {
    const connection = serve(async (req, res) => {
      await settled();
      res.end(req.target);
    })
      .receive(many(3))
      .receiveEnd();
    expect(connection.calls).toEqual([]);
    for (let turn = 0; turn < 6; turn++) await settled();
    expect(bodies(connection)).toEqual(numbers(3));
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });

  it('of which the last is cut are answered up to it', async () => {
    const connection = serve(async (req, res) => {
      await settled();
      res.end(req.target);
    })
      .receive(many(2) + get(2).slice(0, 12))
      .receiveEnd();
    for (let turn = 0; turn < 6; turn++) await settled();
    expect(bodies(connection)).toEqual(numbers(2));
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });

  it('are answered while the peer, which has ended its side, does not take answers', () => {
    const connection = serve((req, res) => res.end(req.target), {}, 150)
      .receive(many(3))
      .receiveEnd();
    const seen = bodies(connection);
    for (let turn = 0; turn < 5; turn++) seen.push(...bodies(connection.drain()));
    expect(seen).toEqual(numbers(3));
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });
});

describe('the end of a connection', () => {
  it('between two requests is answered with ours', () => {
    const connection = serve((_req, res) => res.end())
      .receive(get())
      .receiveEnd();
    expect(connection.calls).toEqual(['close', 'closed clean']);
  });

  it('in a handler’s hands stops the parsing of what is there already', () => {
    const targets: string[] = [];
    const connection = serve((req) => {
      targets.push(req.target);
      req.connection.destroy();
    }).receive(many(3));
    expect(targets).toEqual(['/0']);
    expect(connection.calls).toEqual(['destroy', 'closed clean']);
  });

  it('by shutdown comes between requests as soon as nothing has moved for a moment', () => {
    const connection = serve((_req, res) => res.end())
      .receive(get())
      .shutdown();
    expect(connection.calls).toEqual(['setTimeouts {"idleTimeoutMs":500}']);
    expect(connection.timeout('idle').calls.at(-1)).toBe('close');
  });

  it('by shutdown waits for the answers of all that have arrived, the last of which says so', () => {
    const ends: (() => void)[] = [];
    const connection = serve((_req, res) => {
      ends.push(() => res.end());
    })
      .receive(many(2))
      .shutdown();
    expect(connection.calls).toEqual([]);
    ends[0]?.();
    expect(connection.calls).toEqual([]);
    ends[1]?.();
    const answers = parseAnswers(connection.take());
    expect(answers.map(({ headers }) => headers['connection'])).toEqual([undefined, 'close']);
    expect(connection.calls).toEqual(['close']);
  });

  it('by shutdown answers all requests of a chunk that comes after it, bodies and all', () => {
    const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi';
    const connection = serve(async (req, res) => res.end(await req.body?.text()))
      .receive(get().slice(0, 5))
      .shutdown()
      .receive(get().slice(5) + post + get());
    return settled().then(() => {
      const answers = parseAnswers(connection.take());
      expect(answers.map(({ headers }) => headers['connection'])).toEqual([undefined, undefined, 'close']);
      expect(connection.calls).toEqual(['close']);
    });
  });

  it('by shutdown comes also when only an empty line was left', () => {
    let end = () => {};
    const connection = serve((_req, res) => {
      end = () => res.end();
    })
      .receive(`${get()}\r\n`)
      .shutdown();
    end();
    expect(parseAnswers(connection.take()).length).toBe(1);
    expect(connection.calls).toEqual(['setTimeouts {"idleTimeoutMs":500}']);
    expect(connection.timeout('idle').calls.at(-1)).toBe('close');
  });

  it('by shutdown waits a moment behind an answer that could not say so, for the next request may be on its way', () => {
    let end = () => {};
    const connection = serve((req, res) => {
      if (req.target !== '/stream') return res.end();
      res.write('begun');
      end = () => res.end();
    })
      .receive(get('stream'))
      .shutdown();
    expect(connection.calls).toEqual([]);
    end();
    expect(connection.calls).toEqual(['setTimeouts {"idleTimeoutMs":500}']);
    connection.receive(get());
    const answers = parseAnswers(connection.take());
    expect(answers.map(({ headers }) => headers['connection'])).toEqual([undefined, 'close']);
    expect(connection.calls.at(-1)).toBe('close');
  });

  it('by shutdown is said to a request whose body came with it', () => {
    const connection = serve((_req, res) => res.end())
      .receive('POST / HTTP/1.1\r\n')
      .shutdown()
      .receive('Host: a\r\nContent-Length: 2\r\n\r\nhi');
    expect(parseAnswers(connection.take())).toMatchObject([{ headers: { connection: 'close' } }]);
    expect(connection.calls).toEqual(['close']);
  });

  it('by shutdown gives a connection that was just opened a moment to bring its first request', () => {
    const opened = () => serve((_req, res) => res.end()).shutdown();
    const waiting = ['setTimeouts {"firstByteTimeoutMs":500}'];
    expect(opened().calls).toEqual(waiting);
    expect(opened().timeout('first-byte').calls).toEqual([...waiting, 'close']);
    const served = opened().receive(get());
    expect(parseAnswers(served.take())).toMatchObject([{ headers: { connection: 'close' } }]);
    expect(served.calls).toEqual([...waiting, 'close']);
  });

  it('by shutdown lets a request that has begun to arrive be answered', () => {
    const connection = serve((_req, res) => res.end())
      .receive(get().slice(0, 5))
      .shutdown();
    expect(connection.calls).toEqual([]);
    connection.receive(get().slice(5));
    expect(parseAnswers(connection.take())).toMatchObject([{ headers: { connection: 'close' } }]);
    expect(connection.calls).toEqual(['close']);
  });
});
