/**
 * `keyLogFile`: a key log in a file, as Wireshark and `openssl s_client -keylogfile` have it.
 *
 * Rule: a file that cannot be written costs the log and nothing else; it is told, once.
 */
import { appendFileSync } from 'node:fs';
import { TlsContextError } from './errors.ts';
import type { KeyLogListener } from './key-log.ts';

/**
 * A listener for `onKeyLog` that appends each line to the file at `path`, whole (O_APPEND), so that several processes may
 * share one. The file is made now, for its owner alone (0600); one that is there keeps its permissions. Throws
 * `TlsContextError` (`ERR_TLS_FILE`) when it cannot be opened for writing. A line that cannot be written later is lost:
 * the first one is told as a process warning of that code.
 *
 * Without a path there is no listener: `onKeyLog: keyLogFile(process.env.SSLKEYLOGFILE)` is how a program lets that
 * variable decide, which otherwise nothing here looks at.
 */
export function keyLogFile(path: string): KeyLogListener;
export function keyLogFile(path: string | undefined): KeyLogListener | undefined;
export function keyLogFile(path: string | undefined): KeyLogListener | undefined {
  if (path === undefined || path === '') return undefined;
  const failure = append(path, '');
  if (failure !== undefined) throw failure;
  let isTold = false;
  return (line) => {
    const failure = append(path, `${line}\n`);
    if (failure === undefined || isTold) return;
    isTold = true;
    process.emitWarning(failure);
  };
}

/** Opened for each line: whoever moves or removes the file is not written to behind his back. */
function append(path: string, text: string): TlsContextError | undefined {
  try {
    appendFileSync(path, text, { mode: 0o600 });
    return undefined;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    const reason = `Keys cannot be logged to '${path}' (${code})`;
    return new TlsContextError('ERR_TLS_FILE', reason, { cause: thrown });
  }
}
