/**
 * The flags that every example server takes, turned into options of `reactor.listen`.
 *
 * `--host --port --tls --cert FILE --key FILE --workers N`
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, workerData } from 'node:worker_threads';
import type { ListenOptions } from '@sluice/reactor';
import { readPemFile, tls } from '@sluice/tls';
import { exitWith, orExit } from './exit-with.ts';
import { selfSigned } from './self-signed.ts';
import { runWorkers } from './workers.ts';

/** What the main thread settles once and every worker uses. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly workers: number;
  /** Certificate chain and key, PEM; undefined without `--tls`. */
  readonly credentials: { readonly cert: string | Uint8Array; readonly key: string | Uint8Array } | undefined;
}

/**
 * Options to listen with, from the command line. With `--workers` the main thread starts them and this promise never
 * resolves there: each worker runs the same program, on the same port.
 */
export async function serverSettings(): Promise<ListenOptions> {
  const settings = isMainThread ? await parseSettings().catch(exitWith) : (workerData as ServerSettings);
  if (isMainThread && settings.workers > 1) await runWorkers(settings);
  const { host, port, workers, credentials } = settings;
  const options = {
    host,
    port,
    reusePort: workers > 1,
    onConnectionError: (error: Error) => console.error(`connection refused: ${error.message}`),
  };
  return credentials === undefined ? options : { ...options, transport: orExit(() => tls(credentials)) };
}

async function parseSettings(): Promise<ServerSettings> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      tls: { type: 'boolean', default: false },
      cert: { type: 'string' },
      key: { type: 'string' },
      workers: { type: 'string', default: '1' },
    },
  });
  if ((values.cert === undefined) !== (values.key === undefined))
    throw new Error('--cert and --key go together');
  const port = naturalNumber('--port', values.port);
  const workers =
    values.workers === 'auto' ? availableParallelism() : naturalNumber('--workers', values.workers);
  return { host: values.host, port, workers: Math.max(1, workers), credentials: await credentialsOf(values) };
}

async function credentialsOf(values: {
  tls: boolean;
  cert?: string;
  key?: string;
}): Promise<ServerSettings['credentials']> {
  if (values.cert !== undefined && values.key !== undefined) {
    return { cert: readPemFile(values.cert), key: readPemFile(values.key) };
  }
  return values.tls ? selfSigned() : undefined;
}

function naturalNumber(flag: string, text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new Error(`${flag} must be a number, not '${text}'`);
}
