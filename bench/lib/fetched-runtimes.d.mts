/** The `fetched-runtimes.mjs` beside it, for those who are typed. */

/** What a Node of another line is: `undefined` for the line that runs, and for one that nobody has pinned. */
export function pinnedNodeVersion(line: number, running?: string): string | undefined;
/** Resolves with the path of its program. */
export function ensureNode(version: string): Promise<string>;

export interface FetchedProgram {
  readonly program: string;
  readonly version: string;
}

export function ensureBun(): Promise<FetchedProgram>;
export function ensureDeno(): Promise<FetchedProgram>;
/** The npm package that carries Bun for a processor; throws where there is none. `flags` as /proc/cpuinfo lists them. */
export function bunPackage(architecture: string, flags: string): string;
/** The same of Deno. */
export function denoPackage(architecture: string): string;
