/**
 * What a request for a file is answered with: all of it, parts of it, or that there is no need.
 *
 * Rule: decided before a byte leaves, from the file as it was opened. What the handler has set is not overruled.
 */

import type { HttpRequest } from '../request/request.ts';
import { type ResponseField, responseField } from '../response/response-field.ts';
import { type BytePart, byteRanges, contentRange, unsatisfiedRange } from './byte-ranges.ts';
import { judgePreconditions, rangeApplies } from './conditional-request.ts';
import { contentType } from './content-type.ts';
import {
  type FileFields,
  type Metadata,
  plainFields,
  rangeFields,
  stateFields,
  wholeFields,
} from './file-fields.ts';
import type { FileRepresentation } from './file-request.ts';
import { validatorsOf } from './file-validators.ts';
import { multipartRanges } from './multipart-ranges.ts';

/** An answer to be sent: with a part of the file behind each of `texts` but the last, if there are any. */
export interface FileAnswer {
  /** Undefined: the handler's. */
  readonly status: 206 | 304 | 412 | 416 | undefined;
  /** Sent unless the handler has set them. */
  readonly fields: FileFields;
  /** Sent in any case: what the handler has set is of the whole. */
  readonly ownFields: readonly ResponseField[];
  readonly parts: readonly BytePart[];
  readonly texts: readonly string[];
  /** Of the body. */
  readonly length: number;
}

/** What the answer is about. */
export interface FileQuestion {
  readonly representation: FileRepresentation;
  /** Undefined where none of its fields may decide. */
  readonly request: Pick<HttpRequest, 'method' | 'headers'> | undefined;
  /** What is sent of the file if the request does not ask for less. */
  readonly part: BytePart;
  /** Whether another client may get another coding. */
  readonly varies: boolean;
  /** The tag that the handler has set. */
  readonly etag: string | undefined;
}

export function answerAboutFile(question: FileQuestion): FileAnswer {
  const { representation, request, part, varies, etag } = question;
  const { file, name, coding } = representation;
  const type = contentType(name);
  const metadata: Metadata = { type, coding, varies };
  if (request === undefined) return answer(undefined, plainFields(metadata), [part]);

  const ofFile = validatorsOf(file);
  const validators = etag === undefined ? ofFile : { ...ofFile, etag };
  const verdict = judgePreconditions(request.headers, validators);
  if (verdict === 'not-modified') return answer(304, stateFields(validators, metadata), []);
  if (verdict === 'failed') return about(412, stateFields(validators, metadata), []);

  // Of other methods a Range is to be ignored (RFC 9110 §14.2), and of nothing there are no parts.
  const range = request.method === 'GET' && file.sizeBytes > 0 ? request.headers.get('range') : undefined;
  const ranges =
    range !== undefined && rangeApplies(request.headers, validators)
      ? byteRanges(range, file.sizeBytes)
      : 'whole';
  if (ranges === 'none') {
    const own = responseField('Content-Range', unsatisfiedRange(file.sizeBytes));
    return about(416, rangeFields(validators, metadata), [own]);
  }
  const fields = wholeFields(validators, metadata);
  if (ranges === 'whole') return answer(undefined, fields, [part]);
  const [first, ...others] = ranges;
  if (others.length === 0) {
    const own = responseField('Content-Range', contentRange(first, file.sizeBytes));
    return { ...answer(206, fields, ranges), ownFields: [own] };
  }
  const { contentType: multipart, heads, tail, length } = multipartRanges(ranges, file.sizeBytes, type);
  const ownFields = [responseField('Content-Type', multipart)];
  return { ...answer(206, fields, ranges), ownFields, texts: [...heads, tail], length };
}

function answer(status: FileAnswer['status'], fields: FileFields, parts: readonly BytePart[]): FileAnswer {
  let length = 0;
  for (const part of parts) length += part.length;
  return { status, fields, ownFields: NO_FIELDS, parts, texts: NO_TEXTS, length };
}

const NO_FIELDS: readonly ResponseField[] = [];
const NO_TEXTS: readonly string[] = [];

/** A few words instead of the file. */
function about(status: 412 | 416, fields: FileFields, own: readonly ResponseField[]): FileAnswer {
  const text = status === 412 ? '412 Precondition Failed\n' : '416 Range Not Satisfiable\n';
  const ownFields = [responseField('Content-Type', 'text/plain; charset=utf-8'), ...own];
  return { status, fields, ownFields, parts: [], texts: [text], length: text.length };
}
