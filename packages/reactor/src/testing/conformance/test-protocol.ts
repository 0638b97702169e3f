/**
 * `testProtocol`: one protocol, put through every way in which its input can arrive and its output can fail to leave.
 *
 * Rule: what a peer says decides what it hears. In how many pieces it says it, how slowly it listens and who pauses whom
 * must not show.
 */
import assert from 'node:assert/strict';
import type { CloseReason, Protocol } from '../../protocol.ts';
import { cutAt, places, randomCuts } from './pieces.ts';
import { type BenchOptions, ProtocolBench, type Talk } from './protocol-bench.ts';
import type { TestFunction } from './suite.ts';

/** Something that a peer says before it ends its side. */
export interface ProtocolScript {
  readonly name: string;
  readonly input: string | Uint8Array;
  /** What it has to hear; default: what it hears when it says everything in one piece. */
  readonly output?: string | Uint8Array;
}

export interface ProtocolSuite<State> {
  readonly test: TestFunction;
  /** Makes the protocol; a new one for each test. */
  readonly protocol: () => Protocol<State>;
  readonly scripts: readonly ProtocolScript[];
  /** Takes out of the output what differs from run to run (dates, for instance). Bytes are Latin-1 text here. */
  readonly normalize?: (output: string) => string;
  /** Of the random ways to cut the input. Default 2026. */
  readonly seed?: number;
}

/** What one run has shown. */
interface Outcome {
  readonly output: string;
  readonly closed: readonly CloseReason[];
}

/** Cuts of a long input; of a short one every place is tried. */
const MOST_PLACES = 600;
const RANDOM_CUTS = 60;
/** Places at which a new reactor is made and shut down. */
const MOST_SHUTDOWNS = 40;

/** Registers the tests of a protocol, for each script. */
export function testProtocol<State>(suite: ProtocolSuite<State>): void {
  for (const script of suite.scripts) {
    const over = (name: string, body: (trial: Trial<State>) => Promise<void>) =>
      suite.test(`${script.name}: ${name}`, () => body(new Trial(suite, script)));
    testPieces(over);
    testPressure(over);
    testEnds(over);
  }
}

type Over<State> = (name: string, body: (trial: Trial<State>) => Promise<void>) => unknown;

function testPieces<State>(over: Over<State>): void {
  over('the answer is the expected one', async (trial) => {
    const { output } = await trial.reference();
    if (trial.expected !== undefined) assert.equal(output, trial.expected);
  });

  over('cut in two at every place', async (trial) => {
    await trial.eachWay(places(trial.input, MOST_PLACES).map((at) => [at]));
  });

  over('byte by byte', async (trial) => {
    await trial.eachWay([Array.from({ length: trial.input.length }, (_, at) => at)]);
  });

  over('cut in many random ways', async (trial) => {
    await trial.eachWay(randomCuts(trial.input, RANDOM_CUTS, trial.seed));
  });

  over('with the end at its heels', async (trial) => {
    const bench = trial.bench();
    const talk = await bench.open();
    await talk.end(trial.input);
    await trial.compare(bench, talk, 'with the end in the same event');
  });

  over('two connections at once, byte by byte in turns', async (trial) => {
    const bench = trial.bench();
    const talks = [await bench.open(), await bench.open()];
    for (const byte of cutAt(trial.input, places(trial.input, trial.input.length))) {
      for (const talk of talks) await talk.say(byte);
    }
    for (const talk of talks) await talk.end();
    for (const talk of talks) await trial.compare(bench, talk, 'beside another connection');
  });
}

function testPressure<State>(over: Over<State>): void {
  const ways = (trial: Trial<State>) => [[], places(trial.input, trial.input.length)];

  over('to a peer that takes a byte at a time, every write answering false', async (trial) => {
    await trial.eachWay(ways(trial), { narrow: true });
  });

  over('paused after every chunk and resumed later', async (trial) => {
    await trial.eachWay(ways(trial), { pausing: true });
  });

  over('paused after every chunk, to a peer that takes a byte at a time', async (trial) => {
    await trial.eachWay(ways(trial), { pausing: true, narrow: true });
  });
}

function testEnds<State>(over: Over<State>): void {
  over('half-closed after every prefix: nothing throws, and it leaves', async (trial) => {
    const bench = trial.bench();
    for (const at of [0, ...places(trial.input, MOST_PLACES)]) {
      const talk = await bench.open();
      await talk.say(trial.input.subarray(0, at));
      await talk.end();
      await trial.assertGone(bench, talk, `half-closed after ${at} bytes`);
    }
    bench.assertEmpty('after it was half-closed');
  });

  over('reset after every prefix: nothing throws, closed once, nothing kept', async (trial) => {
    const bench = trial.bench();
    for (const at of [0, ...places(trial.input, MOST_PLACES), trial.input.length]) {
      const talk = await bench.open();
      await talk.say(trial.input.subarray(0, at));
      await talk.reset();
      await trial.assertGone(bench, talk, `reset after ${at} bytes`);
    }
    bench.assertEmpty('after it was reset');
  });

  over('reset while its answer is blocked: nothing throws, closed once', async (trial) => {
    const bench = trial.bench({ narrow: true });
    const talk = await bench.open();
    talk.transport.put(trial.input);
    talk.transport.break();
    await talk.reset();
    await trial.assertGone(bench, talk, 'reset with everything unread');
    bench.assertEmpty('after it was reset');
  });

  over('shut down after every prefix: nothing throws, and it leaves', async (trial) => {
    for (const at of [0, ...places(trial.input, MOST_SHUTDOWNS)]) {
      const bench = trial.bench();
      const talk = await bench.open();
      await talk.say(trial.input.subarray(0, at));
      const end = bench.reactor.shutdown({ deadlineMs: 10_000 });
      await talk.settle();
      await talk.end();
      await trial.assertGone(bench, talk, `shut down after ${at} bytes`);
      await end;
    }
  });
}

/** One protocol and one script, and how runs of them compare. */
class Trial<State> {
  readonly input: Buffer;
  readonly expected: string | undefined;
  readonly seed: number;
  private readonly suite: ProtocolSuite<State>;
  private readonly protocol: Protocol<State>;
  private known: Outcome | undefined;

  constructor(suite: ProtocolSuite<State>, script: ProtocolScript) {
    this.suite = suite;
    this.protocol = suite.protocol();
    this.seed = suite.seed ?? 2026;
    this.input = bytesOf(script.input);
    this.expected = script.output === undefined ? undefined : this.normal(bytesOf(script.output));
  }

  bench(options: BenchOptions = {}): ProtocolBench<State> {
    return new ProtocolBench(this.protocol, options);
  }

  /** What happens when everything is said in one piece, and ended. */
  async reference(): Promise<Outcome> {
    if (this.known !== undefined) return this.known;
    const bench = this.bench();
    const talk = await bench.open();
    await talk.say(this.input);
    await talk.end();
    await this.assertGone(bench, talk, 'in one piece');
    this.known = this.outcomeOf(talk);
    return this.known;
  }

  /** Says the input cut at each list of places, and compares what comes of it. */
  async eachWay(ways: readonly (readonly number[])[], options: BenchOptions = {}): Promise<void> {
    const bench = this.bench(options);
    for (const cuts of ways) {
      const talk = await this.play(bench, cuts);
      const { output } = await this.reference();
      if (this.outcomeOf(talk).output !== output) await this.blameKeptChunks(cuts, options);
      await this.compare(
        bench,
        talk,
        cuts.length > 20 ? `in ${cuts.length} pieces` : `cut at ${cuts.join(', ')}`,
      );
    }
  }

  /** Complains unless `talk` went as the reference did. */
  async compare(bench: ProtocolBench<State>, talk: Talk<State>, where: string): Promise<void> {
    const reference = await this.reference();
    await this.assertGone(bench, talk, where);
    const { output, closed } = this.outcomeOf(talk);
    assert.equal(output, reference.output, `another answer ${where}`);
    assert.deepEqual(closed, reference.closed, `another end ${where}`);
  }

  /** Complains unless the connection is closed, once, and no hook threw. */
  async assertGone(bench: ProtocolBench<State>, talk: Talk<State>, where: string): Promise<void> {
    await talk.outlive();
    bench.assertNoErrors(where);
    assert.ok(talk.transport.closed, `the connection is still open ${where}, long after the peer had gone`);
    assert.equal(talk.closed.length, 1, `onClose ran ${talk.closed.length} times ${where}`);
  }

  private async play(bench: ProtocolBench<State>, cuts: readonly number[]): Promise<Talk<State>> {
    const talk = await bench.open();
    await talk.say(...cutAt(this.input, cuts));
    await talk.end();
    return talk;
  }

  /** The usual reason for another answer has a name: it is told if it is the one. */
  private async blameKeptChunks(cuts: readonly number[], options: BenchOptions): Promise<void> {
    const { output } = await this.reference();
    const talk = await this.play(this.bench({ ...options, poisoning: false }), cuts);
    if (this.outcomeOf(talk).output !== output) return;
    assert.fail('the protocol keeps the chunk that onData lent it: copy what is kept (Buffer.from(chunk))');
  }

  private outcomeOf(talk: Talk<State>): Outcome {
    return { output: this.normal(talk.transport.output), closed: talk.closed };
  }

  private normal(output: Buffer): string {
    const text = output.toString('latin1');
    return this.suite.normalize?.(text) ?? text;
  }
}

function bytesOf(bytes: string | Uint8Array): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);
}
