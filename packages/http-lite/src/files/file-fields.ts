/**
 * The header fields that a file brings with it.
 *
 * Rule: those of the whole of one state of a file are made once: making them costs more than all else about a small answer.
 */

import { joinedField, type ResponseField, responseField } from '../response/response-field.ts';
import type { ContentCoding } from './accept-encoding.ts';
import type { Validators } from './file-validators.ts';

/** Fields of an answer. */
export interface FileFields {
  readonly fields: readonly ResponseField[];
  /** The same as they are sent, in as few pieces as can be. */
  readonly lines: readonly ResponseField[];
}

/** What is sent about the bytes, not about the file. */
export interface Metadata {
  readonly type: string;
  readonly coding: ContentCoding | undefined;
  /** Whether another client may get another coding. */
  readonly varies: boolean;
}

/** Of the whole, or of a part of it. Made again only when another coding of the same state is asked for in between. */
export function wholeFields(validators: Validators, metadata: Metadata): FileFields {
  const { type, coding, varies } = metadata;
  const known = recent.get(validators);
  if (known?.type === type && known.coding === coding && known.varies === varies) return known.made;
  const fields = [
    ...varyFields(varies),
    ...validatorFields(validators),
    ACCEPT_RANGES,
    ...metadataFields(metadata),
  ];
  const made = { fields, lines: [joinedField(fields)] };
  recent.set(validators, { type, coding, varies, made });
  return made;
}

const recent = new WeakMap<Validators, Metadata & { readonly made: FileFields }>();

/** Of a file that is sent whatever the request says of it. */
export function plainFields(metadata: Metadata): FileFields {
  return asTheyAre([...varyFields(metadata.varies), ...metadataFields(metadata)]);
}

/** Of an answer without the file. */
export function stateFields(validators: Validators, { varies }: Metadata): FileFields {
  return asTheyAre([...varyFields(varies), ...validatorFields(validators)]);
}

/** Of an answer that says that there is no such part. */
export function rangeFields(validators: Validators, { varies }: Metadata): FileFields {
  return asTheyAre([...varyFields(varies), ...validatorFields(validators), ACCEPT_RANGES]);
}

const ACCEPT_RANGES = responseField('Accept-Ranges', 'bytes');
const VARY = responseField('Vary', 'Accept-Encoding');

function varyFields(varies: boolean): readonly ResponseField[] {
  return varies ? [VARY] : [];
}

function validatorFields({ etag, lastModified }: Validators): readonly ResponseField[] {
  return [responseField('ETag', etag), responseField('Last-Modified', lastModified)];
}

function metadataFields({ type, coding }: Metadata): readonly ResponseField[] {
  const field = responseField('Content-Type', type);
  return coding === undefined ? [field] : [field, responseField('Content-Encoding', coding)];
}

function asTheyAre(fields: readonly ResponseField[]): FileFields {
  return { fields, lines: fields };
}
