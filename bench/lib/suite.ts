/**
 * What a suite is: servers to compare, cases to compare them in, and one way to measure a server.
 *
 * Rule: a suite says what is measured and how; when, in which order and how often is for `measure-suite.ts` alone, so
 * that every suite is measured by the same method.
 */
import type { Pinning } from './pinning.ts';
import type { Runtime } from './runtime.ts';
import type { ServerProcess } from './server-process.ts';

export interface Metric {
  readonly name: string;
  /** Heading of its column, with the unit. */
  readonly title: string;
  /** Decimal places in tables. */
  readonly digits: number;
  /** Whether the table tells our ratio to the others for it; it always does for the first of a suite. */
  readonly compared?: true;
  /** Which way is ahead, where the report shall say who is. Of the first of a suite less always is. */
  readonly better?: 'less' | 'more';
}

/** One way of running all contenders: plain, over TLS. */
export interface Case {
  readonly name: string;
  /** Files of the certificate and its key, PEM; undefined where nothing is sealed. */
  readonly credentials: CredentialFiles | undefined;
}

export interface CredentialFiles {
  readonly cert: string;
  readonly key: string;
}

/** A server program. It prints `listening on HOST:PORT` when it is ready, and ends on SIGTERM. */
export interface Contender {
  readonly name: string;
  readonly runtime: Runtime;
  /** Command line that serves `each` on a free port, by the program that its runtime was found to be. */
  command(each: Case, program: string): readonly string[];
}

export interface Load {
  readonly seconds: number;
  readonly pinning: Pinning;
  readonly signal: AbortSignal;
}

/** One value for each metric of the suite, by its name. */
export type Sample = Readonly<Record<string, number>>;

export interface Suite {
  readonly name: string;
  readonly title: string;
  /** Commands that must be on the PATH, each with the Debian package that brings it. */
  readonly tools: Readonly<Record<string, string>>;
  /** In all but those that begin with `plain` there is a certificate to serve with: with a key on P-256, or RSA where it is named. */
  readonly cases: readonly string[];
  /** More of them, which take long: measured where `--large` is given. */
  readonly largeCases?: readonly string[];
  /** The first metric is the one that contenders are compared by; less is better. */
  readonly metrics: readonly [Metric, ...Metric[]];
  /** The first is ours; ratios are ours to each of the others. */
  readonly contenders: readonly [Contender, ...Contender[]];
  /**
   * `one-per-case` (the default): all contenders run for the whole case and are warmed up first. `one-per-sample`: each
   * sample is taken from a server that was started for it, where what it did before would be part of the figure.
   */
  readonly servers?: 'one-per-case' | 'one-per-sample';
  /**
   * How long each server is loaded before it counts; 2 where it is left out. What answers slowly is compiled late. In runs of two
   * seconds, for what a run begins and ends with is compiled, too: code that was compiled before it has seen that is thrown away.
   */
  readonly warmUpSeconds?: number;
  /** Loads `server` and tells what that took. Called in turn for every contender, its results judged together. */
  measure(server: ServerProcess, each: Case, load: Load): Promise<Sample>;
}
