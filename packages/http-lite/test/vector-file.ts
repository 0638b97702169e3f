/**
 * The vectors: Markdown files of wire bytes and what is made of them, one case under each heading of level 2.
 *
 * Rule: a case that is not told in full (a heading, a block of wire bytes, a block of events) is an error, never skipped.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wireBytes } from './wire-text.ts';

const FOLDER = join(import.meta.dirname, 'vectors');

export interface Vector {
  /** The title of its file, and its own. */
  readonly file: string;
  readonly title: string;
  readonly wire: Buffer;
  /** The lines of its log. */
  readonly log: readonly string[];
}

/** The names of all vector files. */
export function vectorFiles(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.md'))
    .sort();
}

/** The cases of one of them. */
export function readVectors(name: string): Vector[] {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const [, ...sections] = text.split(/^## /m);
  const file = name.replace(/\.md$/, '');
  const vectors = sections.map((section) => readCase(file, section));
  const titles = new Set(vectors.map(({ title }) => title));
  if (titles.size !== vectors.length) throw new Error(`${name}: two cases have the same heading`);
  return vectors;
}

function readCase(file: string, section: string): Vector {
  const title = section.slice(0, section.indexOf('\n'));
  const blocks = [...section.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  const [wire, log, ...rest] = blocks.map(([, kind, text]) => ({ kind, text: text ?? '' }));
  if (wire?.kind !== 'http' || log?.kind !== 'log' || rest.length > 0)
    throw new Error(`${file}.md, "${title}": a case has one block of http and one of log`);
  if (/[ \t]$/m.test(wire.text)) throw new Error(`${file}.md, "${title}": write a blank at the end as \\x20`);
  return { file, title, wire: wireBytes(wire.text), log: log.text.split('\n').filter((line) => line !== '') };
}
