/** A shutdown in the middle of the load: what was accepted is answered, and nothing is answered by half. */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type HttpHandler, http } from '@sluice/http-lite';
import { createReactor, type Reactor } from '@sluice/reactor';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

const PIPELINED = 3;

/** What became of one connection, as its client tells it. */
interface Outcome {
  /** 0 when it was never connected. */
  readonly localPort: number;
  readonly sent: readonly string[];
  /** Bodies of the answers that came whole, in order: each is the target that was asked for. */
  readonly answered: readonly string[];
  readonly error: string | undefined;
  /** What came of an answer that is not whole. */
  readonly partial: string;
}

interface Plan {
  readonly plan: 'once' | 'load';
  readonly connections: number;
  readonly pipelined: number;
  readonly mostConnections?: number;
}

let reactor: Reactor;
let port: number;
/** Ports of the peers whose connections were accepted; targets that reached the handler. */
let accepted: Set<number>;
let asked: string[];

beforeEach(() => {
  accepted = new Set();
  asked = [];
  reactor = createReactor();
});

/** Serves every target with itself, when `ready` says so. */
async function serve(ready: () => Promise<unknown>): Promise<void> {
  const handler: HttpHandler = async (req, res) => {
    asked.push(req.target);
    await ready();
    res.end(req.target);
  };
  const protocol = http(handler);
  const onOpen: typeof protocol.onOpen = (conn) => {
    accepted.add(conn.remoteAddress?.port ?? 0);
    return protocol.onOpen(conn);
  };
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, { ...protocol, onOpen });
  port = server.address()!.port;
}

/** Clients in a thread of their own. `waitUntilOut` stops this thread until all their first requests are in the kernel. */
function startClients(plan: Plan): { waitUntilOut: () => void; outcomes: Promise<readonly Outcome[]> } {
  const requestsAreOut = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('fixtures/clients.mjs', import.meta.url), {
    workerData: { port, ...plan, requestsAreOut },
  });
  onTestFinished(async () => void (await worker.terminate()));
  return {
    waitUntilOut: () => expect(Atomics.wait(requestsAreOut, 0, 0, 10_000)).not.toBe('timed-out'),
    outcomes: once(worker, 'message').then(([outcomes]) => outcomes as readonly Outcome[]),
  };
}

const until = async (condition: () => boolean) => {
  while (!condition()) await nextTurn();
};

/** What holds for every connection that was accepted, whatever else happened. */
function expectNothingHalf(outcomes: readonly Outcome[]): void {
  const broken = outcomes.filter(
    ({ localPort, error, partial }) => accepted.has(localPort) && (error !== undefined || partial !== ''),
  );
  expect(broken).toEqual([]);
  // Whatever reached the handler was answered, in order, to who had asked.
  const answered = outcomes.flatMap((outcome) => outcome.answered);
  expect(new Set(answered)).toEqual(new Set(asked));
  expect(answered.length).toBe(asked.length);
  for (const outcome of outcomes) {
    expect(outcome.answered).toEqual(outcome.sent.slice(0, outcome.answered.length));
  }
}

describe('a shutdown', () => {
  it('lets every request answer that is with its handler', async () => {
    let answer = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await serve(() => gate);
    const clients = startClients({ plan: 'once', connections: 50, pipelined: 1 });
    await until(() => asked.length === 50);
    const shutdown = reactor.shutdown({ deadlineMs: 10_000 });
    await nextTurn();
    answer();
    const outcomes = await clients.outcomes;
    expectNothingHalf(outcomes);
    expect(outcomes.flatMap((outcome) => outcome.answered).length).toBe(50);
    expect(await shutdown).toEqual({ drained: 50, destroyed: 0 });
  });

  it('serves those whose requests wait in the backlog', async () => {
    await serve(nextTurn);
    const clients = startClients({ plan: 'once', connections: 40, pipelined: 1 });
    // This thread stands still meanwhile: nobody can have been accepted.
    clients.waitUntilOut();
    expect(asked).toEqual([]);
    const report = await reactor.shutdown({ deadlineMs: 10_000 });
    const outcomes = await clients.outcomes;
    expect(accepted.size).toBe(40);
    expectNothingHalf(outcomes);
    expect(outcomes.flatMap((outcome) => outcome.answered).length).toBe(40);
    expect(report.destroyed).toBe(0);
  });

  it('serves requests that wait in the kernel on connections which were accepted before', async () => {
    await serve(nextTurn);
    const clients = startClients({ plan: 'once', connections: 20, pipelined: 1 });
    clients.waitUntilOut();
    // They are let in, and nothing of theirs is read before the shutdown.
    await new Promise((resolve) => process.nextTick(resolve));
    const report = await reactor.shutdown({ deadlineMs: 10_000 });
    expectNothingHalf(await clients.outcomes);
    expect(asked.length).toBe(20);
    expect(report.destroyed).toBe(0);
  });

  it('answers pipelined requests that have all arrived', async () => {
    let answer = () => {};
    const gate = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await serve(() => gate);
    const clients = startClients({ plan: 'once', connections: 20, pipelined: 3 });
    await until(() => asked.length === 20);
    const shutdown = reactor.shutdown({ deadlineMs: 10_000 });
    await nextTurn();
    answer();
    const outcomes = await clients.outcomes;
    expectNothingHalf(outcomes);
    expect(outcomes.flatMap((outcome) => outcome.answered).length).toBe(60);
    expect((await shutdown).destroyed).toBe(0);
  });

  it('loses no request of a client that asks again as soon as it is answered', async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    await serve(async () => {
      if (asked.length >= 200) begin();
    });
    const clients = startClients({ plan: 'load', connections: 20, pipelined: 1, mostConnections: 20 });
    await begun;
    // The answers are with the kernel: each client has one, or will in a moment, and asks again.
    await nextTurn();
    const report = await reactor.shutdown({ deadlineMs: 10_000 });
    const outcomes = await clients.outcomes;
    expect(report.destroyed).toBe(0);
    expect(outcomes.map(({ answered }) => answered.length)).toEqual(outcomes.map(({ sent }) => sent.length));
  });

  it('under load cuts no answer and resets no connection that was accepted', async (context) => {
    await serve(nextTurn);
    const clients = startClients({
      plan: 'load',
      connections: 50,
      pipelined: PIPELINED,
      mostConnections: 3_000,
    });
    await until(() => asked.length >= 1_000);
    const report = await reactor.shutdown({ deadlineMs: 10_000 });
    const outcomes = await clients.outcomes;
    expect(report.destroyed).toBe(0);
    expectNothingHalf(outcomes);
    await context.annotate(`shutdown under load: ${JSON.stringify({ ...report, ...counts(outcomes) })}`);
  });
});

describe('a shutdown under the load of wrk', () => {
  it('leaves no request that reached its handler without its answer', {
    timeout: 20_000,
  }, async (context) => {
    needsTool(context, 'wrk');
    await serve(nextTurn);
    const wrk = startTool('wrk', ['-t1', '-c32', '-d60s', `http://127.0.0.1:${port}/wrk`]);
    let printed = '';
    wrk.child.stdout.on('data', (text) => {
      printed += String(text);
    });
    await until(() => asked.length >= 2_000);
    const report = await reactor.shutdown({ deadlineMs: 10_000 });
    // It would try to connect for the rest of its minute; interrupted, it tells what it has.
    wrk.child.kill('SIGINT');
    await wrk.ended;
    expect(report.destroyed).toBe(0);
    expect(/(\d+) requests in /.exec(printed)?.[1]).toBe(`${asked.length}`);
    const errors = /Socket errors: .*/.exec(printed)?.[0] ?? 'no errors';
    await context.annotate(`${asked.length} answered, ${report.drained} connections drained; wrk: ${errors}`);
  });
});

/** What the test cannot promise, because the client sent while the server closed (RFC 9112 section 9.6), is told. */
function counts(outcomes: readonly Outcome[]) {
  const of = (some: readonly Outcome[]) => ({
    connections: some.length,
    requests: some.reduce((sum, { sent }) => sum + sent.length, 0),
    answered: some.reduce((sum, { answered }) => sum + answered.length, 0),
    // Behind an answer that says Connection: close, and on a connection where nothing was going on.
    droppedFromPipelines: some.reduce((sum, outcome) => sum + (isCut(outcome) ? lost(outcome) : 0), 0),
    lostToTheRace: some.reduce((sum, outcome) => sum + (isCut(outcome) ? 0 : lost(outcome)), 0),
    errors: some.filter(({ error }) => error !== undefined).length,
  });
  const wasAccepted = ({ localPort }: Outcome) => accepted.has(localPort);
  return {
    accepted: of(outcomes.filter(wasAccepted)),
    connectedOnly: of(outcomes.filter((outcome) => outcome.localPort !== 0 && !wasAccepted(outcome))),
    refused: outcomes.filter(({ error }) => error === 'ECONNREFUSED').length,
  };
}

const lost = ({ sent, answered }: Outcome) => sent.length - answered.length;
/** Its last batch was answered in part. */
const isCut = ({ answered }: Outcome) => answered.length % PIPELINED !== 0;
