// What publint and "are the types wrong?" say of the published tarballs, byte for byte as the registry hands them out.
// Rule: neither is a dependency of anything; both come into the cache like the registry itself. A hint counts as a fault.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../../packages/core-native/scripts/cache-directory.mjs';
import { installPackage } from '../../../packages/core-native/scripts/npm-package.mjs';
import { SetupError } from '../../../packages/core-native/scripts/setup-error.mjs';
import { NotRun } from '../../checks.mjs';
import { ROOT } from '../../root.mjs';
import { PREBUILT_FILES, TARGETS } from '../targets.mjs';
import { output } from './output.mjs';

/** `parents`: below which folders the packages lie that it can say something about; the others declare no types. */
const LINTERS = [
  {
    name: 'publint',
    version: '0.3.25',
    script: 'src/cli.js',
    args: (tarball) => ['run', tarball, '--strict'],
    isClean: (said) => said.includes('All good!'),
    parents: ['packages', 'platforms'],
  },
  {
    name: '@arethetypeswrong/cli',
    version: '0.18.5',
    script: 'dist/index.js',
    // There is no CommonJS build, on purpose.
    args: (tarball) => [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'],
    // It ends well also where it found no types at all.
    isClean: (said) => !said.includes('does not contain types'),
    parents: ['packages'],
  },
];

/** Asks both about every tarball of `registry`. Returns the result in words; throws with all that they found. */
export async function assertWellPacked(registry) {
  const problems = [];
  const without = new Set();
  let checks = 0;
  for (const linter of LINTERS) {
    const folder = await installPackage(linter.name, linter.version, cacheDirectory()).catch((error) => {
      throw new NotRun(`${linter.name} could not be fetched: ${error.message}`);
    });
    for (const name of linter.parents.flatMap(packageNames)) {
      const tarball = registry.tarballOf(name);
      if (isWithoutBinary(name, tarball)) {
        without.add(name);
        continue;
      }
      checks += 1;
      const problem = ask(linter, folder, tarball);
      if (problem !== undefined) problems.push(`${linter.name} on ${name}:\n${problem}`);
    }
  }
  if (problems.length > 0) throw new SetupError(problems.join('\n'));
  const left =
    without.size === 0 ? '' : `; not asked about ${[...without].join(', ')}, which has no binary here`;
  return `${checks} checks, nothing found${left}`;
}

/** Another processor's package, where only this machine's binary was built. */
function isWithoutBinary(name, tarball) {
  const isOther = Object.values(TARGETS).some(
    (target) => target.name === name && target.arch !== process.arch,
  );
  return isOther && !output('tar', ['-tzf', tarball], { cwd: ROOT }).includes(PREBUILT_FILES[0]);
}

function ask({ script, args, isClean }, folder, tarball) {
  try {
    const said = output(process.execPath, [join(folder, script), ...args(tarball)], { cwd: folder });
    return isClean(said) ? undefined : said.trim();
  } catch (error) {
    return error.message;
  }
}

function packageNames(parent) {
  const manifests = readdirSync(join(ROOT, parent)).map((name) => join(ROOT, parent, name, 'package.json'));
  return manifests.map((path) => JSON.parse(readFileSync(path, 'utf8')).name);
}
