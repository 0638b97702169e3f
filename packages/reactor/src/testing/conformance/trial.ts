/** One protocol and one script of a suite: runs of them, and how they compare. */
import assert from 'node:assert/strict';
import type { CloseReason, Protocol } from '../../protocol.ts';
import { cutAt } from './pieces.ts';
import { ProtocolBench } from './protocol-bench.ts';
import type { TestFunction } from './suite.ts';
import type { BenchOptions, Talk } from './talk.ts';

/** Something that a peer says before it ends its side. */
export interface ProtocolScript {
  readonly name: string;
  readonly input: string | Uint8Array;
  /** What it has to hear; default: what it hears when it says everything in one piece. */
  readonly output?: string | Uint8Array;
}

/** What `testProtocol` needs of whoever tests a protocol. */
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

/** One protocol and one script, and how runs of them compare. */
export class Trial<State> {
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
