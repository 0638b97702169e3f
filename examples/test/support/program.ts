/** An example as a child process, seen as its user sees it: output and exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bundleExample } from './bundle-example.ts';

const ROOT = dirname(dirname(dirname(import.meta.dirname)));

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Program {
  readonly child: ChildProcess & { readonly pid: number };
  /** Resolves with the first match of `pattern` in what was printed so far or will be; rejects when it ends without. */
  printed(pattern: RegExp, stream?: 'stdout' | 'stderr'): Promise<RegExpExecArray>;
  /** Resolves when it has ended and all its output is there. */
  readonly ended: Promise<Outcome>;
}

/** Where the addon is that the sources load; a bundle of them is somewhere else. */
const ADDON = join(ROOT, 'packages', 'core-native', 'build', 'Release', 'sluice.node');

/** Starts `examples/NAME.ts` with `flags`; it ends with the test at the latest. */
export function startExample(
  name: string,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Program {
  return start([bundleExample(name), ...flags], {
    SLUICE_ADDON: process.env['SLUICE_ADDON'] ?? ADDON,
    ...env,
  });
}

/** The same through `npm run example`'s own script. */
export function startThroughRunner(name: string, flags: readonly string[] = []): Program {
  return start([join(ROOT, 'scripts', 'example.mjs'), name, ...flags], {});
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): Program {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const output = { stdout: '', stderr: '' };
  let look = () => {};
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      look();
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }) as Outcome);
  const printed: Program['printed'] = (pattern, stream = 'stdout') =>
    new Promise((resolve, reject) => {
      const before = look;
      look = () => {
        before();
        const match = pattern.exec(output[stream]);
        if (match !== null) resolve(match);
      };
      look();
      void ended.then((outcome) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(outcome)}`)));
    });
  return { child: child as Program['child'], printed, ended };
}
