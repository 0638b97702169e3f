/** The matrix in the documentation is the one that is tested. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { matrixTable, reasonsTable } from './support/matrix-tables.ts';

it.each([
  ['what is tried with whom', matrixTable],
  ['what peers cannot do', reasonsTable],
])('docs/interoperability.md says %s', (_what, table) => {
  const path = new URL('../../../../docs/interoperability.md', import.meta.url);
  expect(readFileSync(path, 'utf8')).toContain(table());
});
