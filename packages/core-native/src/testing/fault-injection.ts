/** Setting fault injection up: the control file, and the environment of the programs that are to run under it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { platformPackage, prebuiltFile } from '../platform-package.ts';
import { FaultInjectionError } from './errors.ts';
import { blankControl, FaultControl } from './fault-control.ts';
import { BENIGN, type FaultRates } from './faults.ts';

/** What `faultInjection` needs: a seed, and how often each fault strikes. */
export interface FaultInjectionOptions {
  /** The same seed, the same faults: of each descriptor, whatever the others do. A whole number of 0 or more. */
  readonly seed: number;
  /** Default: {@link BENIGN}. */
  readonly rates?: FaultRates;
}

/** What `faultInjection` has prepared: an environment for child processes, and the hand on the switch. */
export interface FaultInjection extends Disposable {
  /** To be added to the environment of a child process: `{ ...process.env, ...env }`. */
  readonly env: { readonly LD_PRELOAD: string; readonly SLUICE_FAULTS: string };
  /** Steers all processes that run in this environment. */
  readonly control: FaultControl;
  /** Removes the control file. To be called when those processes have ended. */
  close(): void;
  /** As `close()`: for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Prepares fault injection for child processes. Only the addon of Sluice meets faults in them: the sockets of
 * `node:net`, and programs other than Node, are left alone.
 *
 * @throws FaultInjectionError `ERR_FAULTS_LIBRARY` when the library is not there, `ERR_FAULTS_OPTION` for a seed or a
 * rate that cannot be.
 */
export function faultInjection({ seed, rates = BENIGN }: FaultInjectionOptions): FaultInjection {
  const library = faultLibrary();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, 'control');
  writeFileSync(path, blankControl());
  const control = new FaultControl(path);
  try {
    control.reseed(seed, rates);
  } catch (thrown) {
    control.close();
    remove();
    throw thrown;
  }
  const others = process.env['LD_PRELOAD'];
  const preload = others === undefined || others === '' ? library : `${library} ${others}`;
  const close = () => {
    control.close();
    remove();
  };
  return {
    env: { LD_PRELOAD: preload, SLUICE_FAULTS: path },
    control,
    close,
    [Symbol.dispose]: close,
  };
}

/** The library to preload: built with the addon, which it stands beside, or prebuilt, in the platform package. */
function faultLibrary(): string {
  const built = fileURLToPath(new URL('../../build/Release/sluice_faults.so', import.meta.url));
  const path = existsSync(built) ? built : prebuiltFile('sluice_faults.so');
  if (path === undefined) {
    throw new FaultInjectionError(
      'ERR_FAULTS_LIBRARY',
      `The library that injects faults is neither at ${built} nor in ${platformPackage()}. That package is an optional ` +
        'dependency: npm install --include=optional in a project, npm run setup in a clone of the Sluice repository.',
    );
  }
  // ld.so(8): spaces and colons separate the list, and there is no way to quote them.
  if (/[\s:]/.test(path)) {
    throw new FaultInjectionError(
      'ERR_FAULTS_LIBRARY',
      `${path} cannot be preloaded: LD_PRELOAD allows neither spaces nor colons. Move the project to a path without them.`,
    );
  }
  return path;
}
