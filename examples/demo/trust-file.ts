/** The demo's certificate as a file, for clients that take their trust anchors from one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes `cert` into a new folder; `remove()` deletes both. */
export function trustFile(cert: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
  const path = join(folder, 'cert.pem');
  writeFileSync(path, cert);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
