/** Chromium without a window: one visit to a server of ours, and what it tells of TLS afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dumpDom } from '@sluice-internal/foreign-programs';
import { onTestFinished } from 'vitest';

export interface Visit {
  /** The page as it was when it had loaded. */
  readonly dom: string;
  /** What its network log says, `params` of each event by the event's name. */
  readonly events: (name: string) => readonly Record<string, unknown>[];
}

/** Opens `url`; waits until the page and all that it names has loaded. The keys of `certificates` (PEM) are trusted. */
export async function visit(url: string, certificates: readonly string[], names: string): Promise<Visit> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-net-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const log = join(folder, 'net-log.json');
  const flags = [`--log-net-log=${log}`, '--net-log-capture-mode=Everything'];
  const dom = await dumpDom(url, { certificates, names, flags });
  return { dom, events: netLog(readFileSync(log, 'utf8')) };
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
