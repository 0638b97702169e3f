/**
 * What a request for a file is answered with: all of it, parts of it, or that there is no need.
 *
 * Rule: decided before a byte leaves, from the file as it was opened. What the handler has set is not overruled.
 */
import { partOfFile, type SendFileOptions } from '@sluice/reactor';
import { type BytePart, byteRanges, contentRange, unsatisfiedRange } from './byte-ranges.ts';
import { judgePreconditions, rangeApplies } from './conditional-request.ts';
import { contentType } from './content-type.ts';
import type { FileRepresentation } from './file-request.ts';
import { type Validators, validatorsOf } from './file-validators.ts';
import { multipartRanges } from './multipart-ranges.ts';
import type { Request } from './request.ts';

/** Name and value. */
export type Field = readonly [name: string, value: string];

/** An answer to be sent: with a part of the file behind each of `texts` but the last, if there are any. */
export interface FileAnswer {
  /** Undefined: the handler's. */
  readonly status: 206 | 304 | 412 | 416 | undefined;
  /** Sent unless the handler has set them. */
  readonly fields: readonly Field[];
  /** Sent in any case: what the handler has set is of the whole. */
  readonly ownFields: readonly Field[];
  readonly parts: readonly BytePart[];
  readonly texts: readonly string[];
  /** Of the body. */
  readonly length: number;
}

/** What the answer is about. */
export interface FileQuestion {
  readonly representation: FileRepresentation;
  /** Undefined where none of its fields may decide. */
  readonly request: Pick<Request, 'method' | 'headers'> | undefined;
  readonly options: SendFileOptions;
  /** Whether another client may get another coding. */
  readonly varies: boolean;
  /** The tag that the handler has set. */
  readonly etag: string | undefined;
}

/** Throws what `partOfFile` throws. */
export function answerAboutFile(question: FileQuestion, nowMs: number): FileAnswer {
  const { representation, request, options, varies } = question;
  const { file } = representation;
  const whole = partOfFile(file, options);
  const type = contentType(representation.name);
  const fields: Field[] = varies ? [['Vary', 'Accept-Encoding']] : [];
  const metadata: Field[] = [['Content-Type', type]];
  if (representation.coding !== undefined) metadata.push(['Content-Encoding', representation.coding]);
  if (request === undefined) return answer(undefined, [...fields, ...metadata], [whole]);

  const ofFile = validatorsOf(file, nowMs);
  const validators: Validators = { ...ofFile, etag: question.etag ?? ofFile.etag };
  fields.push(['ETag', validators.etag], ['Last-Modified', validators.lastModified]);
  const verdict = judgePreconditions(request.headers, validators);
  if (verdict === 'not-modified') return answer(304, fields, []);
  if (verdict === 'failed') return about(412, fields, []);
  fields.push(['Accept-Ranges', 'bytes']);

  // Of other methods a Range is to be ignored (RFC 9110 §14.2), and of nothing there are no parts.
  const range = request.method === 'GET' && file.sizeBytes > 0 ? request.headers.get('range') : undefined;
  const ranges =
    range !== undefined && rangeApplies(request.headers, validators)
      ? byteRanges(range, file.sizeBytes)
      : 'whole';
  if (ranges === 'none') return about(416, fields, [['Content-Range', unsatisfiedRange(file.sizeBytes)]]);
  if (ranges === 'whole') return answer(undefined, [...fields, ...metadata], [whole]);
  const [first, ...others] = ranges;
  if (others.length === 0) {
    const own: Field[] = [['Content-Range', contentRange(first, file.sizeBytes)]];
    return { ...answer(206, [...fields, ...metadata], ranges), ownFields: own };
  }
  const { contentType: multipart, heads, tail, length } = multipartRanges(ranges, file.sizeBytes, type);
  const all = answer(206, [...fields, ...metadata], ranges);
  return { ...all, ownFields: [['Content-Type', multipart]], texts: [...heads, tail], length };
}

function answer(
  status: FileAnswer['status'],
  fields: readonly Field[],
  parts: readonly BytePart[],
): FileAnswer {
  const length = parts.reduce((bytes, part) => bytes + part.length, 0);
  return { status, fields, ownFields: [], parts, texts: [], length };
}

/** A few words instead of the file. */
function about(status: 412 | 416, fields: readonly Field[], own: readonly Field[]): FileAnswer {
  const text = status === 412 ? '412 Precondition Failed\n' : '416 Range Not Satisfiable\n';
  const ownFields: Field[] = [['Content-Type', 'text/plain; charset=utf-8'], ...own];
  return { status, fields, ownFields, parts: [], texts: [text], length: text.length };
}
