// `npx @sluice/core-native build` in a project that was installed without prebuilt binaries.
// Rule: before the build nothing loads and the error names the command; after it the project serves, by what was built in it.
import { delimiter, join, sep } from 'node:path';
import { cacheDirectory } from '../../../packages/core-native/scripts/cache-directory.mjs';
import { freshProject, install } from './fresh-project.mjs';
import { assertServes } from './https-answer.mjs';
import { output } from './output.mjs';
import { npmCli } from './package-managers.mjs';

const BUILD_LIMIT_MS = 600_000;
const INSTALL = 'npm --omit=optional';

/** Does all of it in a project below `parent`. Returns the result in words. */
export async function buildAndServe(parent, registry, identity) {
  const project = freshProject(parent, process.execPath, registry);
  install(project, INSTALL);
  const refusal = await assertServes(project, identity).then(
    () => 'it served',
    (error) => error.message,
  );
  if (!refusal.includes('core-native.mjs build')) throw new Error(`without any binary: ${refusal}`);
  const startedMs = performance.now();
  const built = build(project);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (!built.startsWith(join(project.folder, 'node_modules') + sep))
    throw new Error(`the build went to ${built}`);
  await assertServes(project, identity);
  return `refused without a binary, built in ${seconds} s, HTTPS answered`;
}

/** With this machine's compilers after the project's own programs, and OpenSSL out of the cache. Returns the path of the addon. */
function build({ node, folder, bin, env }) {
  const settings = { SLUICE_CACHE_DIR: cacheDirectory() };
  for (const name of ['CC', 'CXX', 'OPENSSL_ROOT_DIR'])
    if (process.env[name] !== undefined) settings[name] = process.env[name];
  const said = output(node, [npmCli(), 'exec', '--no', '--', '@sluice/core-native', 'build'], {
    cwd: folder,
    env: { ...env, ...settings, PATH: bin + delimiter + process.env.PATH },
    limitMs: BUILD_LIMIT_MS,
  });
  return said.trim().split('\n').at(-1);
}
