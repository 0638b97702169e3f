/**
 * Which bytes a Range field asks for (RFC 9110 §14).
 *
 * Rule: a field that breaks the grammar is ignored, and so is one with more parts than anybody needs (§14.2): the whole is
 * always a right answer. No byte is sent twice.
 */
import { listMembers } from '../parser/list-members.ts';

/** More parts than this are a mistake, or an attack. */
const MAX_PARTS = 64;

/** `[offset, offset + length)`, the length never 0. */
export interface BytePart {
  readonly offset: number;
  readonly length: number;
}

/** `whole`: as without the field. `none`: 416. */
export type RangeAnswer = 'whole' | 'none' | readonly [BytePart, ...BytePart[]];

/** What `field` names of `sizeBytes` bytes. Parts that overlap or adjoin are made one; otherwise they stay as they were asked for. */
export function byteRanges(field: string, sizeBytes: number): RangeAnswer {
  const [, list] = /^bytes=(.*)$/i.exec(field) ?? [];
  if (list === undefined) return 'whole';
  const named = listMembers(list);
  if (named.length > MAX_PARTS || named.length === 0) return 'whole';
  const parts: BytePart[] = [];
  for (const spec of named) {
    const part = partOf(spec, sizeBytes);
    if (part === 'invalid') return 'whole';
    if (part !== 'unsatisfiable') parts.push(part);
  }
  const [first, ...others] = merged(parts);
  return first === undefined ? 'none' : [first, ...others];
}

function partOf(spec: string, sizeBytes: number): BytePart | 'invalid' | 'unsatisfiable' {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === '' && last === '') return 'invalid';
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { offset: sizeBytes - length, length };
  }
  const offset = Number(first);
  if (last !== '' && Number(last) < offset) return 'invalid';
  if (offset >= sizeBytes) return 'unsatisfiable';
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  return { offset, length: end - offset };
}

/** The same bytes, none of them twice. */
function merged(parts: readonly BytePart[]): readonly BytePart[] {
  const sorted = [...parts].sort((left, right) => left.offset - right.offset);
  const whole: BytePart[] = [];
  for (const part of sorted) {
    const before = whole.at(-1);
    const beforeEnd = before === undefined ? -1 : before.offset + before.length;
    if (before === undefined || part.offset > beforeEnd) {
      whole.push(part);
      continue;
    }
    const end = Math.max(beforeEnd, part.offset + part.length);
    whole[whole.length - 1] = { offset: before.offset, length: end - before.offset };
  }
  return whole.length === parts.length ? parts : whole;
}

/** The value of Content-Range. */
export function contentRange({ offset, length }: BytePart, sizeBytes: number): string {
  return `bytes ${offset}-${offset + length - 1}/${sizeBytes}`;
}

/** The same in an answer that none of the ranges fits. */
export function unsatisfiedRange(sizeBytes: number): string {
  return `bytes */${sizeBytes}`;
}
