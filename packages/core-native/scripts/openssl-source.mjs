// Where OpenSSL's source comes from: the cache, upstream's release page, Debian's source package.
// Rule: whatever the source, nothing is used whose sha256 is not the pinned one.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fetchDebianSource } from './debian-source.mjs';
import { downloadFile } from './download.mjs';
import { OPENSSL } from './openssl-release.mjs';
import { note, runStep } from './progress.mjs';
import { SetupError } from './setup-error.mjs';

/** In the order in which they are tried. Each writes the tarball to `target` or throws with the reason. */
const SOURCES = [
  { name: "OpenSSL's release page", fetch: (target, step) => downloadFile(OPENSSL.url, target, step) },
  { name: "Debian's source package", fetch: (target, step) => fetchDebianSource(OPENSSL, target, step) },
];

/** The path of the verified tarball in `cache`; fetches it if it is not there. */
export async function ensureSource(cache, sources = SOURCES) {
  const folder = join(cache, 'downloads');
  const tarball = join(folder, OPENSSL.tarball);
  mkdirSync(folder, { recursive: true });
  if (existsSync(tarball)) {
    await verifySource(tarball, 'the cache');
    return tarball;
  }
  const reasons = [];
  for (const { name, fetch } of sources) {
    const partial = `${tarball}.${process.pid}.partial`;
    try {
      await runStep(`OpenSSL ${OPENSSL.version} source from ${name}`, async (step) => {
        await fetch(partial, step);
        await verifySource(partial, name);
      });
      renameSync(partial, tarball);
      return tarball;
    } catch (error) {
      // A wrong hash is not a network that happens to be down: stop, and let a person look.
      if (error instanceof SourceMismatch) throw error;
      note(error.message);
      reasons.push(`${name}: ${error.message}`);
    } finally {
      rmSync(partial, { force: true });
    }
  }
  throw new SetupError(unavailableMessage(tarball, reasons));
}

/** The pinned sha256 was not met. */
export class SourceMismatch extends SetupError {
  name = 'SourceMismatch';
}

/** Throws SourceMismatch unless the file at `path` is the pinned tarball. */
export async function verifySource(path, origin) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest('hex');
  if (actual === OPENSSL.sha256) return;
  const cached = origin === 'the cache';
  throw new SourceMismatch(
    [
      `the OpenSSL source from ${origin} is not the one that Sluice pins; it was not used.`,
      `    expected sha256 ${OPENSSL.sha256}`,
      `    got      sha256 ${actual}`,
      ...(cached ? [`    file            ${path}`, 'Remove that file and run the same command again.'] : []),
    ].join('\n'),
  );
}

function unavailableMessage(tarball, reasons) {
  return [
    `the source of OpenSSL ${OPENSSL.version} could not be fetched.`,
    ...reasons.map((reason) => `    ${reason}`),
    'Either get it by other means and put it there:',
    `    ${tarball}`,
    `    (from ${OPENSSL.url})`,
    'or name a static OpenSSL of your own, 3.0 or later: OPENSSL_ROOT_DIR=/path/to/prefix',
  ].join('\n');
}
