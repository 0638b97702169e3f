/**
 * Header fields of an answer that need no `Headers`, until somebody asks for one: making it costs more than all the rest.
 *
 * Rule: what is told here is exactly what `Headers` would tell; what might be told otherwise is left to it.
 */
import { isToken } from './char-class.ts';

/** Names in lower case, each once, and values as they are sent. */
export type SimpleFields = readonly (readonly [name: string, value: string])[];

/** What needs neither trimming nor judging: `Headers` takes more than this. */
const PLAIN_VALUE = /^[!-~](?:[ -~]*[!-~])?$/;

/** Those of a plain object of text; undefined for anything else, and for what `Headers` would refuse, join or trim. */
export function simpleFields(init: ResponseInit['headers']): SimpleFields | undefined {
  if (init === undefined) return [];
  if (init === null || Object.getPrototypeOf(init) !== Object.prototype) return undefined;
  const fields: [string, string][] = [];
  for (const key of Reflect.ownKeys(init)) {
    const value: unknown = Reflect.get(init, key);
    if (typeof key !== 'string' || typeof value !== 'string') return undefined;
    if (!isToken(key) || !PLAIN_VALUE.test(value)) return undefined;
    const name = key.toLowerCase();
    if (fields.some(([other]) => other === name)) return undefined;
    fields.push([name, value]);
  }
  return fields;
}

/** With a Content-Type, unless they have one. */
export function withType(fields: SimpleFields, type: string): SimpleFields {
  if (fields.length === 0) return type === TEXT_TYPE ? TEXT : [['content-type', type]];
  return fields.some(([name]) => name === 'content-type') ? fields : [...fields, ['content-type', type]];
}

/** What the platform calls text that is called nothing else. */
export const TEXT_TYPE = 'text/plain;charset=UTF-8';
const TEXT: SimpleFields = [['content-type', TEXT_TYPE]];
