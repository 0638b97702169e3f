// npm and the pinned pnpm as programs that any node can run, and what both need to reach the registries.
// Rule: whatever is not Sluice's comes from the registry that npm is configured with on this machine.
import { tmpdir } from 'node:os';
import { NotRun } from '../../checks.mjs';
import { pinnedPnpm } from '../../dependencies.mjs';
import { ROOT } from '../../root.mjs';
import { output } from './output.mjs';

/** The script that is npm. */
export function npmCli() {
  return output('sh', ['-c', 'readlink -f "$(command -v npm)"'], { cwd: ROOT }).trim();
}

/** The script that is the pinned pnpm, where npm exec keeps it. */
export function pnpmCli() {
  const where = ['sh', '-c', 'readlink -f "$(command -v pnpm)"'];
  const said = output('npm', ['exec', '--yes', '--package', pinnedPnpm(), '--', ...where], { cwd: tmpdir() });
  return said.trim().split('\n').at(-1);
}

/** Runs the pinned pnpm with `args` in `cwd`. */
export function pnpm(cwd, args) {
  return output('npm', ['exec', '--yes', '--', pinnedPnpm(), ...args], { cwd });
}

/** Throws a NotRun where no registry answers: pnpm, and what the packages' users bring themselves, come from there. */
export function requireRegistry() {
  try {
    output('npm', ['view', pinnedPnpm(), 'version'], { cwd: tmpdir() });
  } catch (error) {
    throw new NotRun(
      `the registry of npm does not answer: ${error.message.split('\n').at(1) ?? error.message}`,
    );
  }
}

/** The text of an .npmrc for a project in a HOME of its own, which does not see this machine's. */
export function projectNpmrc({ npmrc }) {
  return `registry=${output('npm', ['config', 'get', 'registry'], { cwd: ROOT }).trim()}\n${npmrc}`;
}

/** How this machine reaches a registry: authorities and proxies of its own. A fresh project has them, too. */
export function networkSettings() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /_proxy$|_CA_CERTS$|^SSL_CERT_/i.test(name)),
  );
}
