/** Answers each line `OFFSET LENGTH` with the length and that part of a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Protocol } from '@sluice/reactor';
import { POOL } from './random.ts';

/** A file with the bytes that all messages are made of; it goes with the process. */
function poolFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-seeds-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'pool'), POOL);
  return join(folder, 'pool');
}

let path: string | undefined;

export function fileServer(): Protocol<{ rest: string }> {
  path ??= poolFile();
  const file = path;
  return {
    onOpen: () => ({ rest: '' }),
    onData(conn, chunk) {
      const lines = (conn.state.rest + chunk).split('\n');
      conn.state.rest = lines.pop() ?? '';
      for (const line of lines) {
        const [offset = 0, length = 0] = line.split(' ').map(Number);
        conn.write(`${length}\n`);
        void conn.sendFile(file, { offset, length });
      }
    },
    onEnd: (conn) => conn.end(),
  };
}
