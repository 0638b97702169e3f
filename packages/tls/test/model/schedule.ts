/**
 * What can happen between two ends, as data: fast-check makes schedules of it and cuts those that fail down to the few
 * steps that matter.
 */
import fc from 'fast-check';

/** What an application does at one end. `cut`: TCP ends without a word of TLS; `reset`: the connection breaks. */
export type Deed =
  | { readonly do: 'write' | 'write shared' | 'end'; readonly bytes: number }
  | { readonly do: 'update keys'; readonly requestPeer: boolean }
  | { readonly do: 'destroy'; readonly withError: boolean }
  | { readonly do: 'pause' | 'resume' | 'close' | 'cut' | 'reset' };

/** `by` 0: the server, 1: the client; of a whim 0: who was called, 1: the other one. */
export interface Doing {
  readonly by: number;
  readonly deed: Deed;
}

/** `turn`: the loop runs once, for at most so many edges as a batch has; `rest`: until nothing is left to do. */
export type Step = { readonly step: 'turn' | 'rest' } | { readonly step: 'deed'; readonly doing: Doing };

export interface Socketry {
  readonly sendBufferBytes: number | undefined;
  readonly receiveBufferBytes: number | undefined;
}

export interface Schedule {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  readonly bios: readonly ['shared' | 'socket', 'shared' | 'socket'];
  readonly wire: 'tcp' | 'unix';
  /** `plain`: both begin without TLS and put it on as soon as they are open. */
  readonly begin: 'sealed' | 'plain';
  /**
   * Whether the client comes back with early data, and with a session that the server has or has not; in TLS 1.3, sealed
   * from the beginning, and with a client whose tickets may come at any time (the shared BIO).
   */
  readonly early: 'none' | 'taken' | 'refused';
  readonly sockets: readonly [Socketry, Socketry];
  readonly batchEvents: number;
  readonly limits: {
    readonly readBudgetBytes: number;
    readonly handshakeBudget: number;
    readonly highWaterMarkBytes: number;
  };
  readonly steps: readonly Step[];
  /** What hooks do besides their work, one after the other, again and again. */
  readonly whims: readonly (readonly Doing[])[];
  readonly ending: 'in order' | 'server goes' | 'client goes';
}

const sizes = fc.constantFrom(1, 100, 5_000, 17_000, 70_000);

const peaceful: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constantFrom('write' as const, 'write shared' as const), bytes: sizes }),
  },
  { weight: 5, arbitrary: fc.constantFrom({ do: 'pause' as const }, { do: 'resume' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('update keys' as const), requestPeer: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), bytes: fc.constantFrom(0, 20_000) }) },
);

/** What ends most of a run is rare, or there would be little to run. */
const deeds: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 60, arbitrary: peaceful },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: 'close' as const }, { do: 'cut' as const }, { do: 'reset' as const }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), withError: fc.boolean() }) },
);

const doings: fc.Arbitrary<Doing> = fc.record({ by: fc.nat({ max: 1 }), deed: deeds });

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant('deed' as const), doing: doings }) },
  { weight: 4, arbitrary: fc.constant({ step: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ step: 'rest' as const }) },
);

/** Small ones have the floor of the kernel (socket(7)). */
const socketry: fc.Arbitrary<Socketry> = fc.record({
  sendBufferBytes: fc.constantFrom(undefined, 1, 20_000),
  receiveBufferBytes: fc.constant(undefined),
});

const bio = fc.constantFrom('shared' as const, 'socket' as const);

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  version: fc.constantFrom('TLSv1.3' as const, 'TLSv1.2' as const),
  bios: fc.tuple(bio, bio),
  wire: fc.constantFrom('tcp' as const, 'unix' as const),
  begin: fc.constantFrom('sealed' as const, 'sealed' as const, 'plain' as const),
  early: fc.constantFrom('none' as const, 'taken' as const, 'refused' as const),
  sockets: fc.tuple(socketry, socketry),
  batchEvents: fc.constantFrom(16, 1),
  limits: fc.record({
    readBudgetBytes: fc.constantFrom(1_000_000, 1, 1_000, 20_000),
    handshakeBudget: fc.constantFrom(16, 1),
    highWaterMarkBytes: fc.constantFrom(100_000, 1, 5_000),
  }),
  steps: fc.array(steps, { maxLength: 60, size: 'max' }),
  whims: fc.array(fc.array(fc.record({ by: fc.constantFrom(0, 0, 1), deed: deeds }), { maxLength: 2 }), {
    minLength: 1,
    maxLength: 8,
    size: 'max',
  }),
  ending: fc.constantFrom('in order', 'in order', 'in order', 'server goes', 'client goes'),
});
