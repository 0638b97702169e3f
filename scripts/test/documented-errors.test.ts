import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Codes in string literals of the packages' sources. */
function codesInSources(): string[] {
  const files = readdirSync(join(ROOT, 'packages'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => /^[^/]+\/src\/.*\.ts$/.test(file) && !file.includes('node_modules'),
  );
  const codes = files.flatMap(
    (file) => readFileSync(join(ROOT, 'packages', file), 'utf8').match(/\bERR_[A-Z_]+\b/g) ?? [],
  );
  return [...new Set(codes)].sort();
}

test('docs/errors.md names every error code of the packages', () => {
  const page = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
  const codes = codesInSources();
  expect(codes).toContain('ERR_HOST');
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
