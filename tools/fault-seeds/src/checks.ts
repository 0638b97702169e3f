/** What must hold after a seed, whatever the faults were. Each finding is a line; none is what we want. */
import { FAULTS, type Fault, HOSTILE_FAULTS } from '@sluice/core-native/testing';
import { SystemError } from '@sluice/reactor';
import type { SeedRun } from './seed-run.ts';
import type { Closing } from './watch.ts';

export type Counts = Readonly<Record<Fault, number>>;

/** errno names that a broken connection may tell: those that are injected, and what the other end then sees. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH']);

const WRITES = new Set(['send', 'sendfile', 'SSL_write', 'SSL_shutdown']);

/** Checks a run during which `injected` faults were injected. */
export function findings(run: SeedRun, injected: Counts): string[] {
  const { outcomes, watch, errors } = run;
  const hostile = HOSTILE_FAULTS.reduce((sum, fault) => sum + injected[fault], 0);
  const impaired = outcomes.filter(({ complete }) => !complete);
  return [
    ...outcomes.filter(({ damage }) => damage !== undefined).map(({ name, damage }) => `${name}: ${damage}`),
    ...watch.misplaced.map((hook) => `a hook out of place: ${hook}`),
    ...watch.connections
      .filter(({ closings }) => closings.length !== 1)
      .map(({ side, conn, closings }) => `${side} ${conn.id} closed ${closings.length} times`),
    ...watch.connections.flatMap(({ side, conn, closings }) =>
      closings
        .filter((closing) => !isTruthful(closing, hostile > 0))
        .map((closing) => `${side} ${conn.id} closed ${described(closing)}`),
    ),
    // Each hostile fault costs the one connection that it struck; all others have everything.
    ...(impaired.length > hostile
      ? [
          `${impaired.length} connections were impaired by ${hostile} hostile faults: ` +
            impaired.map((outcome) => `${outcome.name} ${described(outcome)}`).join('; '),
        ]
      : []),
    ...untold(run, injected),
    ...errors.filter((error) => !isShortage(error, injected)).map((error) => `reported: ${error.stack}`),
  ];
}

/** Each end that met a fault has to tell it, with its errno: an error swallowed is a connection that ended "clean". */
function untold({ watch, refused, outcomes }: SeedRun, injected: Counts): string[] {
  const causes = [
    ...watch.connections.flatMap(({ closings }) => closings.map(({ cause }) => cause)),
    ...outcomes.filter(({ reason }) => reason === 'not connected').map(({ cause }) => cause),
    ...refused,
  ];
  const told = (code: string) =>
    causes.filter((cause) => cause instanceof SystemError && cause.code === code && cause.call !== 'connect')
      .length;
  // Two sends of OpenSSL fail without a word: a session ticket to a connection that is closed, after which the next read
  // tells that it was cut, or the write that the ticket went in front of meets the reset; and the alert with which it
  // answers such a cut.
  const cut = causes.filter((cause) => codeOf(cause) === 'ERR_TLS_TRUNCATED').length;
  // A write that failed is followed by reads of what the peer had sent; when one of those fails too, the first is told.
  const byWrite = causes.filter((cause) => cause instanceof SystemError && WRITES.has(cause.call)).length;
  const behindTicket = causes.filter(
    (cause) => cause instanceof SystemError && cause.call === 'SSL_write' && cause.code === 'ECONNRESET',
  ).length;
  const due: [string, number][] = [
    ['ENOBUFS', injected.recvNoBuffers - byWrite + injected.sendNoBuffers - cut],
    ['ETIMEDOUT', injected.recvTimedOut - byWrite],
    ['EPIPE', injected.sendPipe - cut - behindTicket],
    ['ECONNRESET', injected.recvReset - byWrite + injected.sendReset - cut],
  ];
  return due
    .filter(([code, count]) => told(code) < count)
    .map(([code, count]) => `${code} was injected ${count} times and told ${told(code)} times`);
}

/** Which faults of a whole run were never injected although they were asked for. */
export function neverInjected(counts: Counts): Fault[] {
  return FAULTS.filter((fault) => counts[fault] === 0);
}

function isTruthful({ reason, cause }: Closing, broken: boolean): boolean {
  if (reason === 'clean') return cause === undefined;
  if (!broken) return false;
  const code = codeOf(cause);
  if (reason === 'reset') return cause instanceof SystemError && RESETS.has(code);
  if (reason === 'truncated') return code === 'ERR_TLS_TRUNCATED';
  // ENOBUFS ends the connection that met it; HTTP gives up what its peer had not finished.
  if (reason === 'error') return code === 'ENOBUFS' || code === 'ERR_HTTP_BODY_TRUNCATED';
  return false;
}

function codeOf(cause: Error | undefined): string {
  return (cause as { code?: string } | undefined)?.code ?? '';
}

/** What a listener reports when accept4(2) says that there is no room. */
function isShortage(error: Error, injected: Counts): boolean {
  return error instanceof SystemError && error.call === 'accept4' && injected.acceptExhausted > 0;
}

function described({ reason, cause }: { reason: string; cause: Error | undefined }): string {
  return cause === undefined ? reason : `${reason} (${cause.name}: ${cause.message})`;
}
