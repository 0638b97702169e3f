/** @sluice/reactor: who is waiting for what. The public face of the package. */
export type { SocketAddress } from '@sluice/core-native';
export type { Connection } from './connection-contract.ts';
export type { Counters, Limited } from './counters.ts';
export type { DiagnosticMessages } from './diagnostics.ts';
export type { ShutdownReport } from './drain.ts';
export {
  DestroyedError,
  HostError,
  IllegalTransitionError,
  LimitError,
  SluiceError,
  SystemError,
  TimeoutError,
  UsageError,
} from './errors.ts';
export type { Lifecycle } from './lifecycle.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type { Deadline, OpenDeadline, Timeouts } from './open-deadlines.ts';
export { checkOptionNames, integerOption } from './options.ts';
export { socketFailure } from './plain-transport.ts';
export type { CloseReason, Protocol } from './protocol.ts';
export {
  type ConnectOptions,
  createReactor,
  type ListenOptions,
  type Reactor,
  type ReactorOptions,
} from './reactor.ts';
export type { ReadHalf } from './read-half.ts';
export type { Server } from './server.ts';
export type { ReactorStats } from './stats.ts';
export {
  type ClientTransport,
  type Progress,
  type ServerTransport,
  Status,
  type Transport,
  type TransportFailure,
} from './transport.ts';
export type { WriteHalf } from './write-half.ts';
