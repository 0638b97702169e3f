/**
 * The header fields of an answer that is a file.
 *
 * Rule: what the handler has set stands, but where it is of the whole and only a part is sent, or none.
 */

import type { ResponseField } from '../response/response-field.ts';
import type { FileAnswer } from './file-answer.ts';
import type { FileFields } from './file-fields.ts';

/** Those of the handler, of the file, and of this answer alone. Content-Length is not among them. */
export function fileFields(
  set: readonly ResponseField[] | undefined,
  { status, fields: ofFile, ownFields: own }: FileAnswer,
): FileFields {
  // Nothing to compare with: the usual case.
  if (set === undefined && own.length === 0) return ofFile;
  const isOverruled = (name: string) => own.some((field) => field.name === name);
  const isOfTheBody = (name: string) =>
    name === 'content-length' || (isBodyOther(status) && BODY_FIELDS.has(name));
  const kept = (set ?? []).filter(({ name }) => !isOverruled(name) && !isOfTheBody(name));
  const fields = [...kept];
  for (const field of ofFile.fields) {
    if (field.name === 'vary') addVary(fields, field);
    else if (!isOverruled(field.name) && !kept.some((other) => other.name === field.name)) fields.push(field);
  }
  fields.push(...own);
  return { fields, lines: fields };
}

const BODY_FIELDS = new Set(['content-type', 'content-encoding', 'content-language', 'content-range']);

/** Whether what is sent is about the file, and not of it. */
function isBodyOther(status: FileAnswer['status']): boolean {
  return status === 412 || status === 416;
}

/** A handler that has set Vary for reasons of its own did not mean to deny ours. */
function addVary(fields: ResponseField[], vary: ResponseField): void {
  const members = fields.filter(({ name }) => name === 'vary').flatMap(({ value }) => value.split(','));
  const known = members.map((member) => member.trim().toLowerCase());
  if (!known.includes('*') && !known.includes(vary.value.toLowerCase())) fields.push(vary);
}
