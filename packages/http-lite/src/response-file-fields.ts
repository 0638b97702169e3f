/**
 * The header fields of an answer that is a file.
 *
 * Rule: what the handler has set stands, but where it is of the whole and only a part is sent, or none.
 */
import type { FileAnswer } from './file-answer.ts';
import { type ResponseField, responseField } from './response-field.ts';

/** Those of the handler, of the file, and of this answer alone. Content-Length is not among them. */
export function fileFields(
  set: readonly ResponseField[] | undefined,
  { status, fields, ownFields }: FileAnswer,
): ResponseField[] {
  // Nothing to compare with: the usual case.
  if (set === undefined && ownFields.length === 0)
    return fields.map(([name, value]) => responseField(name, value));
  const own = ownFields.map(([name, value]) => responseField(name, value));
  const isOverruled = (name: string) => own.some((field) => field.name === name);
  const isOfTheBody = (name: string) =>
    name === 'content-length' || (isBodyOther(status) && BODY_FIELDS.has(name));
  const kept = (set ?? []).filter(({ name }) => !isOverruled(name) && !isOfTheBody(name));
  const result = [...kept];
  for (const [name, value] of fields) {
    const field = responseField(name, value);
    if (field.name === 'vary') addVary(result, field);
    else if (!isOverruled(field.name) && !kept.some((other) => other.name === field.name)) result.push(field);
  }
  result.push(...own);
  return result;
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
