// The kernel as a process of the host, and its lines to us.
// Rule: user-mode Linux is many processes of the host, all in one group that the kernel leads; that group ends as a whole.
import { spawn } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEPT_CHARACTERS = 8_192;

/**
 * Boots `kernel` with the script `init` as its process 1. With `libraries` it is linked with the C library in that folder,
 * and its loader's path begins in `packages` (packages.mjs). Returns
 *
 *   `stdout`, `stderr`, `control`   the lines ttyS0, ttyS1 (to be read) and ttyS2 (both ways)
 *   `console()`                     the end of what the kernel and its process 1 said
 *   `ended`                         resolves when no process of it is left
 *   `end()`                         ends them all at once
 */
export async function startKernel({ kernel, packages, libraries, folder, init, memory }) {
  const child = spawn(
    kernel,
    [
      ...['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'rw', 'quiet', `mem=${memory}`],
      `init="${init}"`,
      // Else it keeps a folder for each kernel in the person's home.
      ...[`uml_dir=${join(folder, 'uml')}/`, 'umid=lab'],
      ...['con=null', 'con0=null,fd:1', 'ssl=null', 'ssl0=null,fd:3', 'ssl1=null,fd:4', 'ssl2=fd:5'],
    ],
    {
      cwd: libraries === undefined ? '/' : packages,
      env: {
        PATH: process.env.PATH,
        TMPDIR: await memoryFolder(memory),
        ...(libraries === undefined ? {} : { LD_LIBRARY_PATH: libraries }),
      },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    },
  );
  let said = '';
  const [, console1, console2, stdout, stderr, control] = child.stdio;
  for (const stream of [console1, console2]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      said = (said + text).slice(-KEPT_CHARACTERS);
    });
  }
  // A kernel that has ended reads nothing more.
  control.on('error', () => {});
  const end = () => killGroup(child.pid);
  // 'close' waits for all output, and a process that was left would keep that open.
  child.on('exit', end);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { stdout, stderr, control, console: () => said, ended, end };
}

function killGroup(leader) {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/**
 * Where the kernel's memory is a file, which it makes and unlinks itself: in RAM where there is room for all of it. A
 * container's /dev/shm often has 64 MiB, or may not hold what is executed, and going beyond either is a SIGBUS.
 */
async function memoryFolder(memory) {
  const wantedBytes = bytesOf(memory);
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  const shm = mounts.split('\n').find((line) => line.split(' ')[1] === '/dev/shm');
  const isUsable = shm !== undefined && !/\bnoexec\b/.test(shm.split(' ')[3]);
  if (!isUsable) return tmpdir();
  const { bavail, bsize } = statfsSync('/dev/shm');
  return bavail * bsize >= wantedBytes ? '/dev/shm' : tmpdir();
}

/** `512M` or `2G`. */
function bytesOf(memory) {
  return Number.parseInt(memory, 10) * (memory.endsWith('G') ? 2 ** 30 : 2 ** 20);
}
