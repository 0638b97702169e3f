/**
 * `testProtocol`: one protocol, put through every way in which its input can arrive and its output can fail to leave.
 *
 * Rule: what a peer says decides what it hears. In how many pieces it says it, how slowly it listens and who pauses whom
 * must not show.
 */
import assert from 'node:assert/strict';
import { cutAt, places, randomCuts } from './pieces.ts';
import { type ProtocolSuite, Trial } from './trial.ts';

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
      bench.letListenerClose();
      await end;
    }
  });
}
