/** The servers of a suite, for suites that are about the same for all of them. */
import { withDescriptors } from './descriptors.ts';
import { bunProgram, denoProgram } from './peer-program.ts';
import { bun, deno, haproxy, nginx, nodeOfLine, runningNode, sluice } from './runtimes.ts';
import type { Case, Contender } from './suite.ts';
import { typescriptProgram } from './typescript-program.ts';

/** Lines of Node that everything is compared with, whichever is running. */
const LINES = [20, 24];

/** What a server is told beyond its port and certificate. */
type Flags = (each: Case) => readonly string[];

/** Ours, by the program `file`, from the root of the repository. */
export function ours(file: string, flags: Flags = () => [], nodeFlags: readonly string[] = []): Contender {
  const command: Contender['command'] = (each) => [
    ...typescriptProgram(file, each, nodeFlags),
    ...flags(each),
  ];
  return { name: 'sluice', runtime: sluice, command };
}

/** The running Node, and a release of every other line of {@link LINES}; all run `file`, from the root of the repository. */
export function nodes(
  file: string,
  flags: Flags = () => [],
  nodeFlags: readonly string[] = [],
): readonly Contender[] {
  const running = Number.parseInt(process.versions.node, 10);
  return [running, ...LINES.filter((line) => line !== running)].map((line) => ({
    name: `node ${line}`,
    runtime: line === running ? runningNode : nodeOfLine(line),
    command: (each, program) => [...typescriptProgram(file, each, nodeFlags, program), ...flags(each)],
  }));
}

/** `file` is in `bench/servers/`. */
export function onBun(file: string, flags: Flags = () => []): Contender {
  const command: Contender['command'] = (each, program) => [
    ...bunProgram(program, file, each),
    ...flags(each),
  ];
  return { name: 'bun', runtime: bun, command };
}

/** `file` is in `bench/servers/`. */
export function onDeno(file: string, flags: Flags = () => []): Contender {
  const command: Contender['command'] = (each, program) => [
    ...denoProgram(program, file, each),
    ...flags(each),
  ];
  return { name: 'deno', runtime: deno, command };
}

/** `flags` are those of `bench/servers/nginx.ts`. */
export function byNginx(flags: Flags, name = 'nginx'): Contender {
  const command: Contender['command'] = (each) => [
    ...typescriptProgram('bench/servers/nginx.ts', each),
    ...flags(each),
  ];
  return { name, runtime: nginx, command };
}

/** `flags` are those of `bench/servers/haproxy.ts`. */
export function byHaproxy(flags: Flags): Contender {
  const command: Contender['command'] = (each) => [
    ...typescriptProgram('bench/servers/haproxy.ts', each),
    ...flags(each),
  ];
  return { name: 'haproxy', runtime: haproxy, command };
}

/** The same with as many descriptors as `count` says. */
export function roomy({ command, ...contender }: Contender, count: (each: Case) => number): Contender {
  return {
    ...contender,
    command: (each, program) => [...withDescriptors(count(each)), ...command(each, program)],
  };
}
