/** Socket activation: the listening descriptors that systemd, or who does as it does, passed to this process. */
import { UsageError } from './errors.ts';

/** A listening descriptor that was passed to this process. */
export interface PassedDescriptor {
  /** For `reactor.listen({ fd })`. */
  readonly fd: number;
  /** FileDescriptorName= of the socket unit; `unknown` where the environment has no names. */
  readonly name: string;
}

/** sd_listen_fds(3): SD_LISTEN_FDS_START. */
const FIRST = 3;

/**
 * What LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES say (sd_listen_fds(3)), in their order; empty when nothing was passed,
 * or when it was passed to another process (a parent of this one). Throws `UsageError` (`ERR_LISTEN_FD`) when they
 * contradict themselves.
 *
 * @param environment read only; the variables are left as they are
 */
export function systemdListenFds(environment: NodeJS.ProcessEnv = process.env): PassedDescriptor[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = environment;
  if (pid === undefined || count === undefined) return [];
  if (naturalNumber('LISTEN_PID', pid) !== process.pid) return [];
  const length = naturalNumber('LISTEN_FDS', count);
  const known = names?.split(':');
  if (known !== undefined && known.length !== length) {
    throw malformed(`LISTEN_FDNAMES has ${known.length} names for ${length} descriptors`);
  }
  return Array.from({ length }, (_, index) => ({ fd: FIRST + index, name: known?.[index] ?? 'unknown' }));
}

function naturalNumber(variable: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw malformed(`${variable} is ${JSON.stringify(text)}, not a number`);
}

function malformed(what: string): UsageError {
  return new UsageError('ERR_LISTEN_FD', `${what}: unset the LISTEN_ variables, or let systemd set them.`);
}
