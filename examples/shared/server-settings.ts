/**
 * The flags that every example server takes, turned into options of `reactor.listen`.
 *
 * `--host --port --tls --cert FILE --key FILE --workers N`, and what an example has of its own
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, workerData } from 'node:worker_threads';
import type { ListenOptions } from '@sluice/reactor';
import { readPemFileSync, tls } from '@sluice/tls';
import { exitWith, orExit } from './exit-with.ts';
import { runWorkers } from './workers.ts';

/** What the main thread settles once and every worker uses. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  /** Certificate chain and key, PEM; undefined without `--tls`. */
  readonly credentials: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array } | undefined;
  /** Values of the example's own flags, by name without the dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** What an example wants to be different. */
export interface Wishes {
  /** TLS without being asked for: a certificate is made where none is given. */
  readonly tls?: boolean;
  /** Names of flags of its own, each with a value. */
  readonly flags?: readonly string[];
}

/**
 * Options to listen with, from the command line. With `--workers` the main thread starts them and this promise never
 * resolves there: each worker runs the same program, on the same port.
 */
export async function serverSettings(): Promise<ListenOptions> {
  return (await settingsWith({})).options;
}

/** As {@link serverSettings}, with wishes, and with the values of the example's own flags. */
export async function settingsWith(
  wishes: Wishes,
): Promise<{ readonly options: ListenOptions; readonly flags: ServerSettings['flags'] }> {
  const settings = isMainThread
    ? await parseSettings(wishes).catch(exitWith)
    : (workerData as ServerSettings);
  if (isMainThread && settings.workers > 1) await runWorkers(settings);
  const { host, port, workers, credentials, flags } = settings;
  const options = {
    host,
    port,
    reusePort: workers > 1,
    onConnectionError: (error: Error) => console.error(`connection refused: ${error.message}`),
  };
  if (credentials === undefined) return { options, flags };
  return { options: { ...options, transport: orExit(() => tls(credentials)) }, flags };
}

async function parseSettings({ tls: sealed = false, flags = [] }: Wishes): Promise<ServerSettings> {
  const own = Object.fromEntries(flags.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({
    options: {
      ...own,
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      tls: { type: 'boolean', default: sealed },
      cert: { type: 'string' },
      key: { type: 'string' },
      workers: { type: 'string', default: '1' },
    },
  });
  if ((values.cert === undefined) !== (values.key === undefined))
    throw new Error('--cert and --key go together');
  const given: Readonly<Record<string, unknown>> = values;
  const port = naturalNumber('--port', values.port);
  const workers =
    values.workers === 'auto' ? availableParallelism() : naturalNumber('--workers', values.workers);
  return {
    host: values.host,
    port,
    workers: Math.max(1, workers),
    credentials: await credentialsOf(values),
    flags: Object.fromEntries(flags.map((name) => [name, given[name] as string | undefined])),
  };
}

async function credentialsOf(values: {
  tls: boolean;
  cert?: string;
  key?: string;
}): Promise<ServerSettings['credentials']> {
  if (values.cert !== undefined && values.key !== undefined) {
    return { cert: readPemFileSync(values.cert), key: readPemFileSync(values.key) };
  }
  if (!values.tls) return undefined;
  // Making certificates takes a library that is slow to load: only who needs one waits for it.
  const { selfSigned } = await import('./self-signed.ts');
  return selfSigned();
}

function naturalNumber(flag: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new Error(`${flag} must be a number, not '${text}'`);
}
