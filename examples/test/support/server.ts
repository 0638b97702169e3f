/** An example server that is listening. */
import { type Outcome, type Program, startExample } from './program.ts';

export interface ExampleServer extends Program {
  readonly host: string;
  readonly port: number;
  /** Asks it to leave, and tells how it did. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>;
}

/** Starts a server on a free port and waits for its one line. */
export async function startServer(name: string, flags: readonly string[] = []): Promise<ExampleServer> {
  return listening(startExample(name, flags));
}

/** Waits for the one line that a server prints. */
export async function listening(program: Program): Promise<ExampleServer> {
  const [, host = '', port = ''] = await program.printed(/^listening on (\S+):(\d+)\n/);
  return {
    ...program,
    host,
    port: Number(port),
    stop(signal = 'SIGTERM') {
      program.child.kill(signal);
      return program.ended;
    },
  };
}
