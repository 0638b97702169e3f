/** @sluice/reactor: who is waiting for what. The public face of the package. */
export type { SocketAddress, TcpInfo, TcpState } from '@sluice/core-native';
export { type SniffChooser, type SniffOptions, sniff, startsWith } from './composing/sniff.ts';
export { SniffError } from './composing/sniff-error.ts';
export { type CompleteProtocol, wrap } from './composing/wrap.ts';
export type { ConnectOptions, TcpConnectOptions, UnixConnectOptions } from './connect-options.ts';
export type { Connection } from './connection-contract.ts';
export type { UpgradeOptions } from './connection-upgrade.ts';
export type { Counters, LimitName } from './counters.ts';
export type { Deadline, OpenDeadline } from './deadline.ts';
export type { DiagnosticMessages } from './diagnostics.ts';
export type { ShutdownReport } from './drain.ts';
export {
  ClosedError,
  ConnectError,
  DestroyedError,
  HostError,
  IllegalTransitionError,
  LimitError,
  SluiceError,
  SocketPathError,
  SystemError,
  TimeoutError,
  UsageError,
} from './errors.ts';
export { FileError, type FileErrorCode } from './file-errors.ts';
export { partOfFile, type SendableFile, type SendFileOptions } from './file-source.ts';
export { type Folder, openFolder } from './folder.ts';
export { delimited } from './framing/delimited.ts';
export { FrameError } from './framing/frame-error.ts';
export { FrameReader, type OnBroken, type OnFrame } from './framing/frame-reader.ts';
export type { FrameEncoding, FrameOptions, Framing, WritableFraming } from './framing/framing.ts';
export { type LengthPrefixOptions, lengthPrefixed } from './framing/length-prefixed.ts';
export { type LineOptions, lines } from './framing/lines.ts';
export type { Lifecycle } from './lifecycle.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type {
  ListenOptions,
  PassedListenOptions,
  TcpListenOptions,
  UnixListenOptions,
} from './listen-options.ts';
export type { Timeouts } from './open-deadlines.ts';
export { openFile } from './open-shared-file.ts';
export { booleanOption, checkOptionNames, integerOption } from './options.ts';
export type { CloseReason, Protocol } from './protocol.ts';
export {
  createReactor,
  type Reactor,
  type ReactorOptions,
} from './reactor.ts';
export type { ReadHalf } from './read-half.ts';
export type { Server } from './server.ts';
export { SharedFile, type SharedFileFacts } from './shared-file.ts';
export type { KeepAlive, SendBufferOptions, TcpOptions } from './socket-options.ts';
export type { ReactorStats } from './stats.ts';
export type { AsyncConnection } from './streams/async-connection.ts';
export type { ConnectionDuplex, DuplexAddress, DuplexOptions } from './streams/connection-duplex.ts';
export { type AsyncHandler, fromAsync } from './streams/from-async.ts';
export { fromDuplex, type ToDuplexOptions, toDuplex } from './streams/to-duplex.ts';
export { fromWebStreams, toWebStreams } from './streams/to-web-streams.ts';
export type { WebStreams } from './streams/web-flow.ts';
export { type PassedDescriptor, systemdListenFds } from './systemd-listen-fds.ts';
export type {
  ClientTransport,
  ServerTransport,
  Transport,
} from './transport.ts';
export type { WriteHalf } from './write-half.ts';
