// What the runner of examples promises: output, exit code and signals are the program's, and it is never left behind.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../root.mjs';

const PROGRAM = `
import { once } from 'node:events';
import { isMainThread, Worker } from 'node:worker_threads';
type Mode = 'serve' | 'fail' | 'worker';
const mode = process.argv[2] as Mode;
if (!isMainThread) console.log('worker: ' + (mode satisfies Mode));
else if (mode === 'fail') process.exit(7);
else if (mode === 'worker') await once(new Worker(new URL(import.meta.url), { argv: ['worker'] }), 'exit');
else {
  const open = setInterval(() => {}, 60_000);
  process.on('SIGTERM', () => { console.log('drained'); clearInterval(open); });
  console.log(String(process.pid));
}
`;

describe('a program run by npm run example', () => {
  let folder;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-program-'));
    writeFileSync(join(folder, 'program.mts'), PROGRAM);
    const runner = join(ROOT, 'scripts', 'run-program.mjs');
    writeFileSync(
      join(folder, 'runner.mjs'),
      `import { runProgram } from ${JSON.stringify(runner)};\nawait runProgram(process.argv[2], process.argv.slice(3));\n`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(mode) {
    const child = spawn(process.execPath, [join(folder, 'runner.mjs'), join(folder, 'program.mts'), mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    return { child, nextLine: async () => (await lines.next()).value, ended };
  }

  it('gives the runner its exit code', async () => {
    expect(await start('fail').ended).toEqual({ code: 7, signal: null });
  });

  it('may start worker threads that are TypeScript', async () => {
    const { nextLine, ended } = start('worker');
    expect(await nextLine()).toBe('worker: worker');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('gets SIGTERM from the runner and ends it with its own code', async () => {
    const { child, nextLine, ended } = start('serve');
    await nextLine();
    child.kill('SIGTERM');
    expect(await nextLine()).toBe('drained');
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it('ends by itself when the runner was killed', async () => {
    const { child, nextLine, ended } = start('serve');
    await nextLine();
    child.kill('SIGKILL');
    await ended;
    expect(await nextLine()).toBe('drained');
  });

  it('ends the runner by the signal that ended it', async () => {
    const { nextLine, ended } = start('serve');
    process.kill(Number(await nextLine()), 'SIGKILL');
    expect(await ended).toEqual({ code: null, signal: 'SIGKILL' });
  });
});
