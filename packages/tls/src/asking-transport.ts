/**
 * A server's transport that asks `onClientHello` who is to serve a client, before any certificate is chosen.
 *
 * Rule: the hook runs between two steps of the handshake, never inside OpenSSL: it may do anything, and an answer that
 * comes after the end is dropped (P21).
 */
import { type NativeBinding, type NativeTlsSession, Status } from '@sluice/core-native';
import { UsageError } from '@sluice/reactor';
import type { Progress } from '@sluice/reactor/transport';
import { ClientHello } from './client-hello.ts';
import { ALERTS, TlsRefusedError } from './refusal.ts';
import { TlsContext } from './tls-context.ts';
import { TlsTransport, type TransportHooks } from './tls-transport.ts';

/** A context serves the client, nothing leaves it to the names and the default, an error refuses it. */
export type HelloAnswer = TlsContext | Error | undefined;

/** A promise suspends the handshake, under its deadline. What is thrown or rejected with refuses with internal_error. */
export type ClientHelloHook = (hello: ClientHello) => HelloAnswer | PromiseLike<HelloAnswer>;

/** `awaited`: the ClientHello is to come · `asked`: the answer is · `answered` · `closed`: nobody wants it any more. */
type Stage = 'awaited' | 'asked' | 'answered' | 'closed';

export class AskingTransport extends TlsTransport {
  private readonly hook: ClientHelloHook;
  private stage: Stage = 'awaited';
  private resume: (() => void) | undefined;

  constructor(
    native: NativeBinding,
    session: NativeTlsSession,
    fd: number,
    hook: ClientHelloHook,
    hooks?: TransportHooks,
  ) {
    super(native, session, fd, hooks);
    this.hook = hook;
  }

  override handshake(trustsShortReads = false): Progress {
    const progress = super.handshake(trustsShortReads);
    if (progress !== Status.suspended || this.stage !== 'awaited') return progress;
    this.stage = 'asked';
    this.ask();
    return this.isAnswered ? super.handshake(trustsShortReads) : progress;
  }

  /** Takes what to call when an answer has come. */
  whenResumable(resume: () => void): void {
    this.resume = resume;
  }

  override close(): void {
    this.stage = 'closed';
    this.resume = undefined;
    super.close();
  }

  /** The hook may have closed us or answered: what is narrowed at the call says nothing afterwards. */
  private get isAnswered(): boolean {
    return this.stage === 'answered';
  }

  private ask(): void {
    let hello: ClientHello;
    try {
      hello = new ClientHello(this.session.clientHello() ?? Buffer.alloc(0));
    } catch (thrown) {
      return this.refuse(ALERTS.decode_error, thrown);
    }
    try {
      const answer = this.hook(hello);
      if (isPromise(answer)) answer.then(this.settle, this.fail);
      else this.take(answer);
    } catch (thrown) {
      this.refuseThrown(thrown);
    }
  }

  private readonly settle = (answer: HelloAnswer): void => {
    this.take(answer);
    this.resume?.();
  };

  private readonly fail = (thrown: unknown): void => {
    this.refuseThrown(thrown);
    this.resume?.();
  };

  private take(answer: HelloAnswer): void {
    if (this.stage !== 'asked') return;
    if (answer instanceof Error) return this.refuse(alertOf(answer, ALERTS.access_denied), answer);
    if (answer !== undefined && !(answer instanceof TlsContext)) {
      const message = 'onClientHello must return a context made by tlsContext(), an Error, or nothing.';
      return this.refuse(ALERTS.internal_error, new UsageError('ERR_OPTION_VALUE', message));
    }
    this.session.chooseContext(answer?.native);
    this.stage = 'answered';
  }

  private refuseThrown(thrown: unknown): void {
    this.refuse(alertOf(thrown, ALERTS.internal_error), thrown);
  }

  private refuse(alert: number, cause: unknown): void {
    if (this.stage !== 'asked') return;
    this.refusal = cause instanceof Error ? cause : new Error(`onClientHello threw ${String(cause)}`);
    this.session.refuseHello(alert);
    this.stage = 'answered';
  }
}

/** Promises of other libraries are promises too. */
function isPromise(answer: HelloAnswer | PromiseLike<HelloAnswer>): answer is PromiseLike<HelloAnswer> {
  return typeof answer === 'object' && 'then' in answer && typeof answer.then === 'function';
}

function alertOf(error: unknown, otherwise: number): number {
  return error instanceof TlsRefusedError ? ALERTS[error.alert] : otherwise;
}
