/** wrk, the load generator for HTTP: one run of it and what it reports. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BenchError } from './bench-error.ts';

const PIPELINED = fileURLToPath(new URL('../loads/pipelined.lua', import.meta.url));

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** How many requests a connection sends before it waits for their answers. Default 1. */
  readonly pipelined?: number;
  /** To be added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Put in front of the command line: taskset and its arguments. */
  readonly prefix: readonly string[];
  readonly signal: AbortSignal;
}

export interface WrkReport {
  /** Answers that came whole. */
  readonly requests: number;
  /** Everything that came, heads of answers and answers that did not come whole included; to three digits or more. */
  readonly readBytes: number;
  readonly requestsPerSecond: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
}

/** Runs wrk with one thread. Rejects with {@link BenchError} when an answer was not what was asked for. */
export async function runWrk(options: WrkOptions): Promise<WrkReport> {
  const { url, connections, seconds, pipelined = 1, env = {}, prefix, signal } = options;
  const script = pipelined === 1 ? [] : ['--script', PIPELINED];
  const forScript = pipelined === 1 ? [] : ['--', `${pipelined}`];
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '--latency', ...script];
  const arguments_ = [...flags, url, ...forScript];
  const [program = '', ...args] = [...prefix, 'wrk', ...arguments_];
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...process.env, ...env },
    signal,
    killSignal: 'SIGKILL',
  });
  return parseWrk(stdout);
}

/** What a report of wrk says. Throws {@link BenchError} when it tells of failures or is none. */
export function parseWrk(text: string): WrkReport {
  // Figures of a server that refuses or drops requests would look splendid.
  const trouble = /^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$/m.exec(text);
  if (trouble !== null) throw new BenchError(`wrk met failures: ${trouble[1]}`);
  const requests = Number(/^\s*(\d+) requests in /m.exec(text)?.[1]);
  const requestsPerSecond = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1]);
  if (!(requests > 0) || Number.isNaN(requestsPerSecond)) {
    throw new BenchError(`wrk completed no request:\n${text}`);
  }
  return {
    requests,
    readBytes: readBytes(text),
    requestsPerSecond,
    latencyP50Ms: percentileMs(text, 50),
    latencyP99Ms: percentileMs(text, 99),
  };
}

const BYTES_IN: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function readBytes(text: string): number {
  const [, value, unit = '?'] = /requests in \S+, ([\d.]+)([KMGT]?)B read/.exec(text) ?? [];
  return Number(value) * (BYTES_IN[unit] ?? Number.NaN);
}

const MS_IN: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

function percentileMs(text: string, percent: number): number {
  const [, value, unit = ''] = new RegExp(`^\\s*${percent}%\\s+([\\d.]+)([a-z]+)`, 'm').exec(text) ?? [];
  return Number(value) * (MS_IN[unit] ?? Number.NaN);
}
