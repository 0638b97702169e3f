/** Chromium without a window: one visit to a server of ours, and what it tells of TLS afterwards. */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTool } from '@sluice-internal/foreign-programs';
import { onTestFinished } from 'vitest';
import { Printed } from '../../support/printed.ts';

export interface Visit {
  /** The page as it was when it had loaded. */
  readonly dom: string;
  /** What its network log says, `params` of each event by the event's name. */
  readonly events: (name: string) => readonly Record<string, unknown>[];
}

/** Opens `url`; waits until the page and all that it names has loaded. The keys of `certificates` (PEM) are trusted. */
export async function visit(url: string, certificates: readonly string[], names: string): Promise<Visit> {
  const profile = mkdtempSync(join(tmpdir(), 'sluice-browser-'));
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  const log = join(profile, 'net-log.json');
  const tool = startTool('chromium', [
    ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
    ...[
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-proxy-server',
    ],
    `--user-data-dir=${profile}`,
    `--host-resolver-rules=${names}`,
    `--ignore-certificate-errors-spki-list=${certificates.map(keyHash).join(',')}`,
    ...[`--log-net-log=${log}`, '--net-log-capture-mode=Everything'],
    '--dump-dom',
    url,
  ]);
  const printed = new Printed(tool);
  const { code, stderr } = await tool.ended;
  if (code !== 0) throw new Error(`chromium ended with ${code}: ${stderr}`);
  const dom = await printed.rest();
  return { dom, events: netLog(readFileSync(log, 'utf8')) };
}

/** SHA-256 of the public key (RFC 7469 section 2.4). */
function keyHash(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

function netLog(text: string): Visit['events'] {
  const { constants, events } = JSON.parse(text) as {
    readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
    readonly events: readonly { readonly type: number; readonly params?: Record<string, unknown> }[];
  };
  return (name) => {
    const type = constants.logEventTypes[name];
    return events.filter((event) => event.type === type).map(({ params }) => params ?? {});
  };
}
