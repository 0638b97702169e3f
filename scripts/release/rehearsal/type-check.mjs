// A TypeScript consumer of the installed packages, as both kinds of module resolution see them.
// Rule: declarations are checked, not skipped; only @types/node comes from this clone.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../root.mjs';
import { PACKAGES } from './fresh-project.mjs';
import { output } from './output.mjs';
import { npmCli, projectNpmrc } from './package-managers.mjs';

const MODULES = [
  { module: 'node16', resolution: 'node16' },
  { module: 'esnext', resolution: 'bundler' },
];

/** A TypeScript consumer that uses what it imports: with `any` in its place this does not compile. */
const CONSUMER = `import { http, type HttpRequest, type HttpResponse } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { tls } from '@sluice/tls';

type IsAny<T> = 0 extends 1 & T ? true : false;
const typed: [IsAny<HttpRequest>, IsAny<typeof createReactor>, IsAny<typeof tls>] = [false, false, false];
const answer = (_req: HttpRequest, res: HttpResponse): void => { res.end('hi'); };
export const listening = createReactor().listen({ port: 0, transport: tls({ cert: '', key: '' }) }, http(answer));
export { typed };
`;

/** Compiles it in a project below `parent`. Returns the result in words. */
export function typeCheck(parent, registry) {
  const project = mkdtempSync(join(parent, 'typed-'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(project, '.npmrc'), projectNpmrc(registry));
  writeFileSync(join(project, 'consumer.ts'), CONSUMER);
  output(process.execPath, [npmCli(), 'install', ...PACKAGES], { cwd: project });
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--noEmit', '--strict', '--target', 'es2023', '--types', 'node'];
  for (const { module, resolution } of MODULES) {
    const flags = [...strict, '--module', module, '--moduleResolution', resolution];
    output(process.execPath, [tsc, ...flags, 'consumer.ts'], { cwd: project });
  }
  return 'both compile, without skipLibCheck';
}
