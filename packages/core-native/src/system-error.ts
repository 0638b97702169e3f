/**
 * A failed system call as an error to throw or to hand to a callback.
 *
 * Rule: well-known errnos come with advice; the others at least with the call and the kernel's own words.
 */
import type { NativeFailure } from './contract.ts';
import { SluiceError } from './errors.ts';

const ADVICE: Readonly<Record<string, string>> = {
  EACCES:
    'Ports below 1024 need a privilege: use a higher port, or allow it with ' +
    'sudo setcap cap_net_bind_service=+ep "$(command -v node)".',
  EADDRINUSE: 'Another socket listens there: stop that program (ss -ltnp shows it) or choose another port.',
  EADDRNOTAVAIL:
    'This machine has no such address (ip addr lists them), or has no free local port left for it.',
  EAFNOSUPPORT: 'This machine does not have that address family, often because IPv6 is switched off.',
  ECONNREFUSED: 'Nothing listens there: check host and port, and that the server is running.',
  ECONNRESET: 'The peer broke the connection.',
  EHOSTUNREACH: 'No route leads there: check the address and the network.',
  EINVAL: 'The system call did not accept its arguments.',
  EMFILE:
    'This process has all the descriptors it may have: raise the limit (ulimit -n) or lower the connection cap.',
  ENETUNREACH: 'No route leads there: check the address and the network.',
  ENFILE: 'The whole machine has run out of descriptors: raise fs.file-max.',
  ENOBUFS: 'The kernel is short of socket memory.',
  ENOMEM: 'The kernel is short of memory.',
  EPIPE: 'The peer has closed the connection.',
  ETIMEDOUT: 'The peer did not answer in time.',
};

/** A system call failed. `code` is the errno's name, as Node.js gives it. */
export class SystemError extends SluiceError {
  /** errno(3) of the call, positive. */
  readonly errno: number;
  /** The call that failed, `bind` for instance. */
  readonly call: string;

  /**
   * @param failure what `lastFailure()` told, or an error that `NativeEpoll` threw put into that shape
   * @param subject what the call was about, for the message: `127.0.0.1:8080`
   * @param advice what to do, where the usual advice for the errno (which thinks of TCP) does not fit
   */
  constructor(
    failure: Pick<NativeFailure, 'errno' | 'code' | 'call' | 'reason'>,
    subject?: string,
    advice: string | undefined = ADVICE[failure.code],
  ) {
    super(failure.code === '' ? 'ERR_SYSTEM' : failure.code, describe(failure, subject, advice));
    this.errno = failure.errno;
    this.call = failure.call;
  }
}

function describe(
  failure: Pick<NativeFailure, 'code' | 'call' | 'reason'>,
  subject: string | undefined,
  advice: string | undefined,
): string {
  const where = subject === undefined ? '' : ` ${subject}`;
  const sentence = `${failure.call}${where} failed: ${failure.code}, ${failure.reason}.`;
  return advice === undefined ? sentence : `${sentence} ${advice}`;
}
