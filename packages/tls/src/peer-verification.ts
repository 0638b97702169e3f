/**
 * `verifyPeer`: the application's own judgement of a peer, right after the handshake and before anything of the
 * application runs.
 *
 * Rule: only `true` lets a peer in. Whatever else the hook answers, forgets or throws refuses it.
 */
import { TlsError } from './errors.ts';
import type { TlsPeer } from './tls-peer.ts';

/**
 * Judges a peer: `true`, or why not. Called once for each connection, also for one whose session is resumed (the peer is
 * then known by its leaf alone), and also where the peer presented no certificate. It has to answer at once; a promise is
 * no answer. What it refuses fails with `ERR_TLS_VERIFY`, its error as `cause`; the peer sees close_notify instead of
 * data.
 */
export type VerifyPeer = (peer: TlsPeer) => true | Error;

/** The error of a peer that `verify` does not let in; undefined where it does. */
export function refusalOf(verify: VerifyPeer, peer: TlsPeer): TlsError | undefined {
  let cause: unknown;
  try {
    const answer: unknown = verify(peer);
    if (answer === true) return undefined;
    cause = answer instanceof Error ? answer : new TypeError(`it answered ${nameOf(answer)}`);
  } catch (thrown) {
    cause = thrown;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `verifyPeer refused the peer: ${reason}. It must answer true, at once, to let a peer in.`;
  return new TlsError('ERR_TLS_VERIFY', message, { reason, stack: [] }, { cause });
}

/** The error of a connection that ended while its peer was being judged; whoever ended it has told why already. */
export function closedMeanwhile(): TlsError {
  const reason = 'the connection was closed inside verifyPeer';
  return new TlsError('ERR_TLS_VERIFY', `Nobody was let in: ${reason}.`, { reason, stack: [] });
}

function nameOf(answer: unknown): string {
  return answer instanceof Promise ? 'a promise' : String(answer);
}
