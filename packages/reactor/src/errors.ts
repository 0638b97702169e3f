/**
 * The errors of this package. Every one has a stable `code` and a message that says what happened and what to do.
 * Errors of system calls are `SystemError`, with the errno name as code (`EADDRINUSE`).
 */
import { SluiceError, SystemError } from '@sluice/core-native';
import type { Deadline } from './deadline.ts';

export { SluiceError, SystemError };

/** A state machine was sent an event that its table does not list: a bug in Sluice, never the peer's doing. */
export class IllegalTransitionError extends SluiceError {
  constructor(machine: string, state: string, event: string) {
    super(
      'ERR_ILLEGAL_TRANSITION',
      `The ${machine} has no exit '${event}' from '${state}'. This is a bug in Sluice: please report it.`,
    );
  }
}

/** A caller's mistake: an unknown option, a value out of range, a verb after the end. */
export class UsageError extends SluiceError {
  constructor(
    code:
      | 'ERR_UNKNOWN_OPTION'
      | 'ERR_OPTION_VALUE'
      | 'ERR_LISTEN_FD'
      | 'ERR_APPLICATION_PROTOCOL'
      | 'ERR_REACTOR_CLOSED'
      | 'ERR_UPGRADE'
      | 'ERR_BECOME'
      | 'ERR_FRAME_CONTENT'
      | 'ERR_FRAME_REST',
    message: string,
  ) {
    super(code, message);
  }
}

/** A connection was destroyed before it was open, by `destroy()` or because the reactor shut down. */
export class DestroyedError extends SluiceError {
  constructor() {
    super(
      'ERR_DESTROYED',
      'The connection was destroyed before it was open. Connect again if it is still wanted.',
    );
  }
}

/** A stream over a connection that is over, or whose side that was asked for is, without anything having failed. */
export class ClosedError extends SluiceError {
  constructor(what: string) {
    super('ERR_CONNECTION_CLOSED', `${what} Nothing more can be read or written here.`);
  }
}

/** A host name that no address was found for. */
export class HostError extends SluiceError {
  readonly host: string;

  constructor(host: string, cause: Error) {
    super(
      'ERR_HOST',
      `No address for host '${host}' (${cause.message}). Check the spelling, or give a numeric address.`,
      {
        cause,
      },
    );
    this.host = host;
  }
}

/** A Unix socket cannot be made at a path because of what is there. */
export class SocketPathError extends SluiceError {
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(
      'ERR_SOCKET_PATH',
      `Cannot listen on ${path}: ${problem}. Remove it, or choose another path.`,
      cause === undefined ? undefined : { cause },
    );
    this.path = path;
  }
}

/** None of several addresses of a host could be connected to. `errors` has what happened with each, in their order. */
export class ConnectError extends SluiceError {
  readonly host: string;
  readonly errors: readonly Error[];

  constructor(host: string, errors: readonly Error[]) {
    const each = errors.map(({ message }) => message).join(' ');
    super(
      'ERR_CONNECT_FAILED',
      `None of the ${errors.length} addresses of '${host}' could be connected to. ${each}`,
    );
    this.host = host;
    this.errors = errors;
  }
}

/** A deadline of ours passed. `which` names it; of a connect `cause` has the attempts that had failed by then. */
export class TimeoutError extends SluiceError {
  readonly which: Deadline;

  constructor(which: Deadline, timeoutMs: number, options?: ErrorOptions) {
    const { code, demand, option } = DEADLINES[which];
    const advice = option.startsWith('min')
      ? `Lower ${option} if it may be slower.`
      : `Raise ${option} if it needs longer.`;
    super(code, `The peer did not ${demand} within ${timeoutMs} ms. ${advice}`, options);
    this.which = which;
  }
}

const DEADLINES: { readonly [D in Deadline]: { code: string; demand: string; option: string } } = {
  connect: {
    code: 'ERR_CONNECT_TIMEOUT',
    demand: 'answer the connect',
    option: 'timeoutMs or connectTimeoutMs',
  },
  handshake: {
    code: 'ERR_HANDSHAKE_TIMEOUT',
    demand: 'complete its handshake',
    option: 'handshakeTimeoutMs',
  },
  'first-byte': {
    code: 'ERR_FIRST_BYTE_TIMEOUT',
    demand: 'send its first byte',
    option: 'firstByteTimeoutMs',
  },
  idle: { code: 'ERR_IDLE_TIMEOUT', demand: 'send or take anything', option: 'idleTimeoutMs' },
  'write-stall': {
    code: 'ERR_WRITE_STALL_TIMEOUT',
    demand: 'take any of what is queued',
    option: 'writeStallTimeoutMs',
  },
  'receive-rate': {
    code: 'ERR_RECEIVE_RATE',
    demand: 'send as many bytes as it has to',
    option: 'minReceiveBytesPerSecond',
  },
  'send-rate': {
    code: 'ERR_SEND_RATE',
    demand: 'take as many of the queued bytes as it has to',
    option: 'minSendBytesPerSecond',
  },
  protocol: {
    code: 'ERR_PROTOCOL_TIMEOUT',
    demand: 'do what the protocol waited for',
    option: 'the deadline that the protocol sets',
  },
  shutdown: {
    code: 'ERR_SHUTDOWN_TIMEOUT',
    demand: 'let the connection end in order after the shutdown had begun',
    option: 'deadlineMs',
  },
  close: { code: 'ERR_CLOSE_TIMEOUT', demand: 'end its side after ours had ended', option: 'closeTimeoutMs' },
};

/** A cap of ours was reached, and it cost this connection: it is closed with reason `limit`. */
export class LimitError extends SluiceError {
  constructor(
    code: 'ERR_WRITE_QUEUE_FULL' | 'ERR_TOTAL_QUEUE_FULL' | 'ERR_HANDSHAKE_STALLED',
    message: string,
  ) {
    super(code, message);
  }
}
