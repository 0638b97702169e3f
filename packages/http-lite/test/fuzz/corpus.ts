/** What the fuzzer starts from: the wire bytes of all vectors, and inputs that earlier runs found worth keeping. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVectors, vectorFiles } from '../vector-file.ts';
import { wireBytes } from '../wire-text.ts';

const FOUND = join(import.meta.dirname, 'corpus.txt');

/** One input a line, written as in a vector. */
export function corpus(): Buffer[] {
  const vectors = vectorFiles().flatMap((name) => readVectors(name).map(({ wire }) => wire));
  const found = readFileSync(FOUND, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '));
  return [...vectors, ...found.map(wireBytes)];
}
