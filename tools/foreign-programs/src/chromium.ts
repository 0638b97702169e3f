/**
 * Chromium without a window: it opens one page, waits until that and all that it names has loaded, and ends.
 *
 * Rule: what it may not do is here once: nothing of its own goes over the network, and nothing of it outlives the test.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startTool } from './index.ts';

export interface PageVisit {
  /** Certificates (PEM) whose keys are trusted, whoever signed them. */
  readonly certificates: readonly string[];
  /** For `--host-resolver-rules`. */
  readonly names: string;
  /** Further flags. */
  readonly flags?: readonly string[];
}

/** The page at `url` as it was when it had loaded. A page that wants more time names a picture that comes later. */
export async function dumpDom(url: string, { certificates, names, flags = [] }: PageVisit): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
  // Those whom it has started may still be writing: they end when they miss it.
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  const { child, ended } = startTool('chromium', [
    ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
    '--disable-background-networking',
    '--disable-component-update',
    ...['--disable-sync', '--no-proxy-server'],
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=${names}`,
    `--ignore-certificate-errors-spki-list=${certificates.map(keyHash).join(',')}`,
    ...flags,
    '--dump-dom',
    url,
  ]);
  const [pieces, { code, stderr }] = await Promise.all([child.stdout.toArray(), ended]);
  if (code !== 0) throw new Error(`chromium ended with ${code}: ${stderr}`);
  return Buffer.concat(pieces as Buffer[]).toString('utf8');
}

/** SHA-256 of the public key (RFC 7469 section 2.4). */
function keyHash(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}
