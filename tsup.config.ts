// How every package is built: ESM and type declarations in dist/, one output per entry of its in-repo `exports`.
// Rule: a package names its entries once, in package.json; nothing here knows a package by name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'tsup';

/** The tsup configuration of the package in `directory`; its dependencies stay imports. */
export function sluicePackage(directory: string) {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  return defineConfig({
    entry: Object.fromEntries(
      Object.values(manifest.exports).map((source) => [
        source.replace(/^\.\/src\//, '').replace(/\.ts$/, ''),
        source,
      ]),
    ),
    format: 'esm',
    target: 'node20',
    platform: 'node',
    clean: true,
    splitting: true,
    // tsup sets `baseUrl`, which TypeScript 6 calls deprecated.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    tsconfig: join(directory, '../../tsconfig.base.json'),
    external: [/^@sluice\//, /\.node$/],
    outExtension: () => ({ js: '.js', dts: '.d.ts' }),
    silent: true,
  });
}
