/** Programs of other people, used as clients where they are installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A tool that hangs is a failure, not a demo that never ends. */
const PATIENCE_MS = 30_000;

export interface ToolRun {
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Feeds `input` to `command`, closes its input when it has printed `expectedBytes` (or at once without a number), and
 * answers what it printed. Undefined when it is not installed; rejects unless it exits with 0.
 */
export async function runTool(
  command: string,
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
  expectedBytes = 0,
): Promise<ToolRun | undefined> {
  const child = spawn(command, args, { stdio: 'pipe', signal: AbortSignal.timeout(PATIENCE_MS) });
  const chunks: Buffer[] = [];
  let printedBytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    printedBytes += chunk.length;
    if (printedBytes >= expectedBytes) child.stdin.end();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A tool that ends early closes the pipe; its exit code tells more than EPIPE.
  child.stdin.on('error', () => {});
  child.stdin.write(input);
  if (expectedBytes === 0) child.stdin.end();
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${command} ended with code ${code}: ${stderr.trim()}`);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
  return { stdout: Buffer.concat(chunks), stderr };
}
