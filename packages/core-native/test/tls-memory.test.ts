/** What OpenSSL holds for an idle session, counted at malloc(3): docs/performance-notes.md says what it is made of. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeTlsContextOptions } from '../src/index.ts';

const scenario = fileURLToPath(new URL('./fixtures/memory-scenario.ts', import.meta.url));
const counter = fileURLToPath(new URL('../build/Release/sluice_allocations.so', import.meta.url));
let identity: Issuer;

beforeAll(async () => {
  identity = await selfSigned({ name: 'localhost', dns: ['localhost'] });
});

interface Options {
  readonly client?: Partial<NativeTlsContextOptions>;
  readonly server?: Partial<NativeTlsContextOptions>;
  readonly side?: 'server' | 'client';
}

function idleSessions({ client = {}, server = {}, side = 'server' }: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-allocations-'));
  try {
    const counts = join(folder, 'counts');
    writeFileSync(counts, Buffer.alloc(16));
    const { certificate, key } = identity;
    const scene = { identity: { certificate, key }, client, server, side };
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', scenario], {
      encoding: 'utf8',
      env: {
        ...process.env,
        LD_PRELOAD: counter,
        SLUICE_ALLOCATIONS: counts,
        SCENE: JSON.stringify(scene),
      },
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { bytesEach: number; blocksEach: number; left: object };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// With AddressSanitizer malloc is its own. With another OpenSSL the memory is another's.
const isOurs = !process.env['SLUICE_ADDON'] && !process.env['OPENSSL_ROOT_DIR'];

describe.runIf(isOurs)('an idle session holds of OpenSSL', () => {
  it.for([
    ['a server of TLS 1.3, X25519', { client: { groups: 'X25519' } }, 8_700],
  ] satisfies [string, Options, number][])('%s', ([, options, mostBytes]) => {
    const { bytesEach, left } = idleSessions(options);
    console.log(idleSessions(options));
    expect(bytesEach).toBeLessThanOrEqual(mostBytes);
    expect(left).toEqual({ bytes: 0, blocks: 0 });
  });
});
