/**
 * Outgoing connections: resolves the host, races its addresses, and lets the winner shake hands.
 *
 * Rule: the promise settles exactly once, and a connection that was not handed out leaves nothing open.
 */
import { isIP } from 'node:net';
import { SystemError } from '@sluice/core-native';
import type { Candidate } from './connect-attempt.ts';
import type { ConnectTarget, ConnectTo } from './connect-options.ts';
import { ConnectRace, interleaveFamilies, type RaceOutcome } from './connect-race.ts';
import { ReactorConnection } from './connection.ts';
import type { Connection } from './connection-contract.ts';
import type { ConnectionOwner } from './connection-owner.ts';
import { ConnectError, DestroyedError, HostError, TimeoutError } from './errors.ts';
import { endpoint, resolveHost } from './host.ts';
import type { Loop } from './loop.ts';
import type { CloseReason } from './protocol.ts';
import type { ProtocolChoice } from './protocol-choice.ts';
import type { Transport } from './transport.ts';
import { unixError } from './unix-path.ts';

/** Rejects with what `Reactor.connect` documents. */
export function connect<State>(
  loop: Loop,
  target: ConnectTarget,
  protocols: ProtocolChoice<State>,
  nextId: () => number,
): Promise<Connection<State>> {
  return new Promise((resolve, reject) => {
    new PendingConnection(loop, target, { protocols, nextId, resolve, reject }).begin();
  });
}

interface Request<State> {
  readonly protocols: ProtocolChoice<State>;
  readonly nextId: () => number;
  readonly resolve: (connection: Connection<State>) => void;
  readonly reject: (reason: unknown) => void;
}

/** One call of `connect`, from resolving to open. */
class PendingConnection<State> implements RaceOutcome, ConnectionOwner {
  readonly listener = undefined;
  private readonly loop: Loop;
  private readonly target: ConnectTarget;
  private readonly request: Request<State>;
  readonly host: string;
  private settled = false;
  private race: ConnectRace | undefined;
  /** The race is won, and its connection shakes hands. */
  private connection: Connection<State> | undefined;
  /** Closes what is open at this moment. */
  private abandon: () => void = () => {};
  private cancelTimeout: () => void = () => {};

  constructor(loop: Loop, target: ConnectTarget, request: Request<State>) {
    this.loop = loop;
    this.target = target;
    this.host = target.to.host;
    this.request = request;
  }

  begin(): void {
    const { signal, timeoutMs, to } = this.target;
    if (signal?.aborted === true) return this.fail(signal.reason);
    signal?.addEventListener('abort', this.onAbort);
    this.cancelTimeout = this.loop.clock.after(timeoutMs, () => this.onTimeout());
    if (to.kind === 'unix') return this.startRace([this.unixCandidate(to.path)], 0);
    // A numeric address is on its way before `connect` returns.
    if (isIP(to.host) !== 0) return this.raceAddresses(to, [to.host]);
    resolveHost(to.host).then(
      (addresses) => this.raceAddresses(to, addresses),
      (error: unknown) => this.fail(error),
    );
  }

  // ---- The race --------------------------------------------------------------------------------------------------

  won(fd: number): void {
    this.cancelTimeout();
    const { loop, request, target } = this;
    let transport: Transport;
    try {
      transport = target.transport.connect(fd, target.to.host);
    } catch (thrown) {
      return this.fail(thrown);
    }
    const { protocols } = request;
    const isUnix = target.to.kind === 'unix';
    const connection = loop.admit((slot, generation) => {
      const made = { id: request.nextId(), fd, transport, protocols, owner: this, isUnix };
      return new ReactorConnection<State>(loop, slot, generation, made);
    });
    this.connection = connection;
    this.abandon = () => connection.destroy();
    connection.start();
  }

  lost(errors: readonly Error[]): void {
    this.fail(this.summary(errors));
  }

  unwanted(error: Error): void {
    this.fail(error);
  }

  private raceAddresses(to: Extract<ConnectTo, { kind: 'tcp' }>, found: readonly string[]): void {
    if (this.settled) return;
    // Resolving the name took its time: the reactor may have been shut down meanwhile.
    if (this.loop.closed) return this.fail(new DestroyedError());
    const { localAddress: from } = to;
    const addresses = from === undefined ? found : found.filter((address) => isIP(address) === isIP(from));
    if (addresses.length === 0) {
      return this.fail(new HostError(to.host, new Error(`none is of the family of localAddress ${from}`)));
    }
    const candidates = interleaveFamilies(addresses).map((address) => this.tcpCandidate(to, address));
    this.startRace(candidates, to.attemptDelayMs);
  }

  private tcpCandidate(to: Extract<ConnectTo, { kind: 'tcp' }>, address: string): Candidate {
    const { socketOptions } = this.target;
    const { port, localAddress, localPort } = to;
    const isBound = localAddress !== undefined || localPort !== 0;
    const anyAddress = isIP(address) === 6 ? '::' : '0.0.0.0';
    const local = isBound ? { address: localAddress ?? anyAddress, port: localPort } : undefined;
    return {
      errorOf: (failure) => new SystemError(failure, endpoint(address, port)),
      start: () => this.loop.sockets.connect(address, port, { local, socketOptions }),
    };
  }

  private unixCandidate(path: string): Candidate {
    const { socketOptions } = this.target;
    return {
      errorOf: (failure) => unixError(failure, path),
      start: () => this.loop.sockets.connectUnix(path, socketOptions),
    };
  }

  private startRace(candidates: readonly Candidate[], attemptDelayMs: number): void {
    const race = new ConnectRace(this.loop, candidates, attemptDelayMs, this);
    this.race = race;
    this.abandon = () => race.cancel();
    race.start();
  }

  // ---- The connection --------------------------------------------------------------------------------------------

  onFailed(_reason: CloseReason, error: Error): void {
    this.fail(error);
  }

  onHandshaken(): void {}

  onUpgrading(): void {}

  onUpgradeOver(): void {}

  onOpened(): void {
    if (this.connection !== undefined && this.settle()) this.request.resolve(this.connection);
  }

  /** Settles nothing when it was open before; when `onOpen` threw, that error is the answer. */
  onClosed(error: Error | undefined): void {
    this.fail(error ?? new DestroyedError());
  }

  // ---- The end ---------------------------------------------------------------------------------------------------

  private readonly onAbort = (): void => this.fail(this.target.signal?.reason);

  private onTimeout(): void {
    this.loop.counters.deadlines.connect += 1;
    const failures = this.race?.failures ?? [];
    const options = failures.length === 0 ? undefined : { cause: this.summary(failures) };
    this.fail(new TimeoutError('connect', this.target.timeoutMs, options));
  }

  /** One address speaks for itself. */
  private summary(errors: readonly Error[]): Error {
    const [first, second] = errors;
    return first !== undefined && second === undefined
      ? first
      : new ConnectError(this.target.to.host, errors);
  }

  private fail(reason: unknown): void {
    if (!this.settle()) return;
    this.request.reject(reason);
    this.abandon();
  }

  /** Whether this is the first time. */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.cancelTimeout();
    this.target.signal?.removeEventListener('abort', this.onAbort);
    return true;
  }
}
