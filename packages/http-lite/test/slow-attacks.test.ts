/**
 * slowhttptest in its four modes: hundreds of connections that dribble heads, bodies or reads. Others are served all the
 * while, and our limits let go of every one of them.
 */
import { execFile, type PromiseWithChild } from 'node:child_process';
import { promisify } from 'node:util';
import { type HttpHandler, type HttpLimitName, type HttpProtocol, http } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { needsTool } from '@sluice-internal/foreign-programs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const CONNECTIONS = 200;
const HIGH_WATER_MARK_BYTES = 128 * 1024;
const PIECE = Buffer.alloc(16 * 1024, 'x');
/** Far below the defaults, which would make the test long. */
const LIMITS = { headTimeoutMs: 1_000, bodyRateWindowMs: 1_000, keepAliveTimeoutMs: 1_000 };

let reactor: Reactor;
let protocol: HttpProtocol;
let port: number;

/** Streams 8 MiB, after the body of the request if it has one. */
const handler: HttpHandler = async (req, res) => {
  if (req.hasBody) await req.body.bytes();
  if (req.path !== '/big') return res.end('small');
  for (let count = 0; count < 512; count++) if (!res.write(PIECE)) await res.drained();
  res.end();
};

beforeEach(async () => {
  reactor = createReactor({ limits: { rateWindowMs: 1_000 } });
  protocol = http(handler, { limits: LIMITS });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  port = server.address()!.port;
});

afterEach(() => reactor.shutdown({ deadlineMs: 0 }));

/** slowhttptest, and what it says at its end. It asks for a page of its own all the while. */
function attack(path: string, ...args: string[]): PromiseWithChild<{ stdout: string }> {
  const common = ['-c', String(CONNECTIONS), '-r', '200', '-i', '1', '-p', '5', '-l', '60'];
  return run('slowhttptest', [...common, ...args, '-u', `http://127.0.0.1:${port}${path}`]);
}

describe('P56 an attack with slowhttptest', () => {
  const attacks: [name: string, limit: HttpLimitName | undefined, args: string[]][] = [
    ['by slow heads', 'headTimeoutMs', ['-H', '-x', '10']],
    ['by slow bodies', 'minBodyBytesPerSecond', ['-B', '-s', '8192', '-x', '5']],
    ['by a thousand ranges', undefined, ['-R', '-a', '5', '-b', '2000']],
  ];
  for (const [name, limit, args] of attacks) {
    it(`${name} ends when we let go of its last connection, and keeps nobody else out`, async (context) => {
      needsTool(context, 'slowhttptest');
      const { stdout: said } = await attack('/', ...args);
      expect(said).toMatch(/service available:.*YES/);
      expect(said).toMatch(/Exit status:.*No open connections left/);
      if (limit !== undefined)
        expect(protocol.stats().limited[limit]).toBeGreaterThanOrEqual(CONNECTIONS - 1);
    }, 90_000);
  }

  it('by slow reads costs each connection its queue, and that until its rate is judged', async (context) => {
    needsTool(context, 'slowhttptest');
    const attacker = attack('/big', '-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '16');
    let mostQueuedBytes = 0;
    const look = setInterval(() => {
      const { queuedBytes, deadlines } = reactor.stats();
      mostQueuedBytes = Math.max(mostQueuedBytes, queuedBytes);
      // It would go on reading what its own kernel holds, long after we have let go.
      if (deadlines['send-rate'] >= CONNECTIONS - 1) attacker.child.kill('SIGINT');
    }, 20);
    const { stdout: said } = await attacker;
    clearInterval(look);
    expect(said).toMatch(/service available:.*YES/);
    const { deadlines, closedBy } = reactor.stats();
    expect(deadlines['send-rate']).toBeGreaterThanOrEqual(CONNECTIONS - 1);
    expect(closedBy.timeout).toBeGreaterThanOrEqual(CONNECTIONS - 1);
    expect(mostQueuedBytes).toBeGreaterThan(0);
    expect(mostQueuedBytes).toBeLessThan((CONNECTIONS + 1) * (HIGH_WATER_MARK_BYTES + PIECE.length + 1024));
  }, 90_000);
});
