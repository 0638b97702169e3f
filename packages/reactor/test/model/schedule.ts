/**
 * What can happen, as data: fast-check makes schedules of it and cuts those that fail down to the few steps that matter.
 */
import { Ready } from '@sluice/core-native';
import fc from 'fast-check';
import type { Limits } from '../../src/index.ts';
import type { Timeouts } from '../../src/open-deadlines.ts';
import type { FileTraits } from './file-model.ts';
import type { Traits } from './traits.ts';

/** Bytes that are to be delivered: the end of what was delivered last, as much as there is, or some that nobody has sent. */
export interface Head {
  readonly bytes: number;
  readonly isRead: boolean;
}

/** What the application does to a connection that it holds, from a hook or from outside. */
export type Verb =
  | { readonly verb: 'write'; readonly how: 'bytes' | 'shared' | 'utf8' | 'latin1'; readonly bytes: number }
  | { readonly verb: 'file'; readonly file: FileTraits }
  | { readonly verb: 'end'; readonly bytes: number }
  | { readonly verb: 'close'; readonly deadlineMs: number }
  | { readonly verb: 'destroy'; readonly withError: boolean }
  | { readonly verb: 'timeouts'; readonly name: keyof Timeouts; readonly ms: number }
  | { readonly verb: 'upgrade'; readonly handshake: readonly ('read' | 'write')[]; readonly head: Head }
  | { readonly verb: 'unshift'; readonly bytes: Head }
  /** `anew`: to the protocol that has it already. */
  | { readonly verb: 'become'; readonly head: Head; readonly anew: boolean }
  | { readonly verb: 'pause' | 'resume' };

/** What the peer and the network do; `settles`: somebody answers what a handshake is suspended for. */
export type PeerAct =
  | { readonly peer: 'sends' | 'reads'; readonly bytes: number }
  | { readonly peer: 'connects' | 'refuses' | 'flight' | 'urgent' | 'ends' | 'resets' | 'vanishes' }
  | { readonly peer: 'demands answer' | 'owes answer' | 'answers' | 'settles' };

/** Something that happens to one of the connections, chosen by a number. */
export interface Deed {
  readonly to: number;
  readonly what: Verb | PeerAct;
}

/** What a hook does besides its work. With `to` 0 a deed concerns the hook's own connection. */
export interface Whim {
  readonly deeds: readonly Deed[];
  readonly throws: boolean;
  /** What `onTimeout` answers. */
  readonly waives: boolean;
}

export type Step =
  | { readonly step: 'accept' | 'connect'; readonly traits: Traits }
  | { readonly step: 'deed'; readonly deed: Deed }
  | { readonly step: 'kernel' | 'disk'; readonly most: number }
  /** Every peer sends, so that one batch has them all. */
  | { readonly step: 'burst'; readonly bytes: number }
  | { readonly step: 'time'; readonly ms: number }
  | { readonly step: 'spurious' | 'stale'; readonly to: number; readonly bits: number }
  | { readonly step: 'close server' | 'shutdown'; readonly deadlineMs: number }
  | { readonly step: 'rest' | 'aborted accept' | 'pause server' | 'resume server' };

/** How everything is brought to its end. */
export type Ending = 'in order' | 'resets' | 'destroys' | 'silence' | 'shutdown';

export interface Schedule {
  readonly limits: Partial<Limits>;
  /** How many descriptors the process may have. */
  readonly descriptors: number;
  readonly first: Traits;
  readonly steps: readonly Step[];
  readonly whims: readonly Whim[];
  readonly ending: Ending;
}

const sizes = fc.constantFrom(0, 1, 10, 600, 17_000, 40_000);
const durations = fc.constantFrom(0, 1, 40, 300, 900, 2_500);

const traits: fc.Arbitrary<Traits> = fc.record({
  room: fc.constantFrom(100_000, 0, 1, 700),
  bite: fc.constantFrom(100_000, 1000),
  tellsDrained: fc.boolean(),
  secure: fc.boolean(),
  sendsFiles: fc.boolean(),
  handshake: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom('read', 'write', 'answer'), { maxLength: 3 }) },
  ),
  breakBits: fc.constantFrom(
    Ready.readable | Ready.writable | Ready.readClosed | Ready.hangup | Ready.error,
    Ready.hangup,
    Ready.error,
  ),
  wholeEvents: fc.boolean(),
  haste: fc.constantFrom(0, 0, 1, 3),
});

const files: fc.Arbitrary<FileTraits> = fc.record({
  bytes: fc.constantFrom(1, 10, 600, 17_000, 70_000, 140_000),
  fate: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'whole', 'missing', 'shrinks', 'fails'),
  open: fc.boolean(),
  cached: fc.boolean(),
});

const heads: fc.Arbitrary<Head> = fc.record({
  bytes: fc.constantFrom(0, 1, 10, 600, 17_000, 70_000, 140_000),
  isRead: fc.boolean(),
});

const verbs: fc.Arbitrary<Verb> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      verb: fc.constant('write' as const),
      how: fc.constantFrom('bytes', 'shared', 'utf8', 'latin1'),
      bytes: sizes,
    }),
  },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('file' as const), file: files }) },
  { weight: 3, arbitrary: fc.constantFrom({ verb: 'pause' as const }, { verb: 'resume' as const }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('end' as const), bytes: fc.constantFrom(0, 5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant('close' as const), deadlineMs: fc.constantFrom(1, 700, 3_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant('upgrade' as const),
      handshake: fc.array(fc.constantFrom('read', 'write'), { maxLength: 2 }),
      head: heads,
    }),
  },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('unshift' as const), bytes: heads }) },
  {
    weight: 3,
    arbitrary: fc.record({ verb: fc.constant('become' as const), head: heads, anew: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('destroy' as const), withError: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constant('timeouts' as const),
      name: fc.constantFrom(
        'firstByteTimeoutMs',
        'idleTimeoutMs',
        'writeStallTimeoutMs',
        'minReceiveBytesPerSecond',
        'minSendBytesPerSecond',
      ),
      ms: durations,
    }),
  },
);

const peerActs: fc.Arbitrary<PeerAct> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      peer: fc.constant('sends' as const),
      bytes: fc.constantFrom(1, 20, 3000, 70_000, 140_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ peer: fc.constant('reads' as const), bytes: fc.constantFrom(1, 3, 5000, 60_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      peer: fc.constantFrom('connects' as const, 'flight' as const, 'urgent' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ peer: 'ends' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      peer: fc.constantFrom('resets' as const, 'vanishes' as const, 'refuses' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      peer: fc.constantFrom(
        'demands answer' as const,
        'owes answer' as const,
        'answers' as const,
        'settles' as const,
      ),
    }),
  },
);

const deeds: fc.Arbitrary<Deed> = fc.record({
  to: fc.nat({ max: 4 }),
  what: fc.oneof<fc.Arbitrary<Verb | PeerAct>[]>(verbs, peerActs),
});

const whims: fc.Arbitrary<Whim> = fc.record({
  deeds: fc.array(
    fc.record({
      to: fc.constantFrom(0, 0, 1),
      what: fc.oneof<fc.WeightedArbitrary<Verb | PeerAct>[]>(
        { weight: 3, arbitrary: verbs },
        { weight: 1, arbitrary: peerActs },
      ),
    }),
    { maxLength: 3 },
  ),
  throws: fc.nat({ max: 39 }).map((lot) => lot === 39),
  waives: fc.boolean(),
});

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constantFrom('accept' as const, 'connect' as const), traits }),
  },
  { weight: 20, arbitrary: fc.record({ step: fc.constant('deed' as const), deed: deeds }) },
  {
    weight: 10,
    arbitrary: fc.record({ step: fc.constant('kernel' as const), most: fc.constantFrom(60, 1) }),
  },
  { weight: 8, arbitrary: fc.record({ step: fc.constant('disk' as const), most: fc.constantFrom(60, 1) }) },
  { weight: 4, arbitrary: fc.constant({ step: 'rest' as const }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('time' as const), ms: durations }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constantFrom('spurious' as const, 'stale' as const),
      to: fc.nat({ max: 4 }),
      bits: fc.constantFrom(
        Ready.readable,
        Ready.writable,
        Ready.readClosed,
        Ready.hangup | Ready.error,
        Ready.readable | Ready.writable | Ready.urgent,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      { step: 'aborted accept' as const },
      { step: 'pause server' as const },
      { step: 'resume server' as const },
    ),
  },
);

/** What ends most of a run is rare, or there would be little to run. */
const rareSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 120, arbitrary: steps },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constantFrom('close server' as const, 'shutdown' as const),
      deadlineMs: fc.constantFrom(20_000, 1_000, 0),
    }),
  },
);

const limits: fc.Arbitrary<Partial<Limits>> = fc.record({
  readBudgetBytes: fc.constantFrom(1_000_000, 1, 1000, 64 * 1024),
  fileBudgetBytes: fc.constantFrom(1_000_000, 1000, 30_000),
  acceptBudget: fc.constantFrom(64, 1),
  handshakeBudget: fc.constantFrom(16, 1),
  highWaterMarkBytes: fc.constantFrom(100_000, 1, 500),
  maxQueuedBytes: fc.constantFrom(64 * 1024 * 1024, 64 * 1024 * 1024, 50_000),
  maxConnections: fc.constantFrom(0, 0, 2),
  maxHandshakes: fc.constantFrom(4096, 1),
  stalledHandshakeMs: fc.constantFrom(1_000, 1, 0),
  connectTimeoutMs: fc.constantFrom(10_000, 400),
  handshakeTimeoutMs: fc.constantFrom(10_000, 600),
});

/** Often none at all: then nothing wakes the loop but traffic. */
const deadlines: fc.Arbitrary<Partial<Limits>> = fc.oneof(
  fc.constant({ firstByteTimeoutMs: 0, idleTimeoutMs: 0, writeStallTimeoutMs: 0, minSendBytesPerSecond: 0 }),
  fc.record({
    firstByteTimeoutMs: fc.constantFrom(0, 800, 60_000),
    idleTimeoutMs: fc.constantFrom(0, 1_300, 300_000),
    writeStallTimeoutMs: fc.constantFrom(0, 700, 60_000),
    minReceiveBytesPerSecond: fc.constantFrom(0, 0, 1000),
    minSendBytesPerSecond: fc.constantFrom(0, 0, 1000),
    rateWindowMs: fc.constantFrom(600, 60_000),
  }),
);

function scheduled(first: fc.Arbitrary<Traits>, all: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Schedule> {
  return fc.record({
    limits: fc.tuple(limits, deadlines).map(([some, others]) => ({ ...some, ...others })),
    descriptors: fc.constantFrom(1000, 1000, 4),
    first,
    steps: all,
    whims: fc.array(whims, { minLength: 1, maxLength: 12, size: 'max' }),
    ending: fc.constantFrom('in order', 'resets', 'destroys', 'silence', 'shutdown'),
  });
}

export const schedules = scheduled(traits, fc.array(rareSteps, { maxLength: 50, size: 'max' }));

/** Those whose bytes are moved for several at once, where several are ready. */
const plainTraits = traits.map((some) => ({ ...some, secure: false, tellsDrained: true, handshake: [] }));

const plainSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: rareSteps },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('burst' as const),
      bytes: fc.constantFrom(1, 20, 3000, 4096, 5000),
    }),
  },
);

/** Several plain connections, often ready in one batch. */
export const plainSchedules = scheduled(
  plainTraits,
  fc
    .tuple(
      fc.array(plainTraits, { minLength: 1, maxLength: 3 }),
      fc.array(plainSteps, { maxLength: 50, size: 'max' }),
    )
    .map(([some, steps]) => [...some.map((one) => ({ step: 'accept' as const, traits: one })), ...steps]),
);
