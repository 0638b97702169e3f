/** The protocol of Redis, sixteen commands in flight on each connection: what one of them costs, next to Redis itself. */
import { nodes, ours } from '../lib/peers.ts';
import { runRedisBenchmark } from '../lib/redis-benchmark.ts';
import { redis as installedRedis } from '../lib/runtimes.ts';
import type { ServerProcess } from '../lib/server-process.ts';
import type { Case, Contender, Load, Sample, Suite } from '../lib/suite.ts';
import { typescriptProgram } from '../lib/typescript-program.ts';

const CONNECTIONS = 50;
const PIPELINED = 16;
/** redis-benchmark counts commands, not time: as many as a fast server answers in a second. */
const COMMANDS_PER_SECOND = 500_000;
const MEBIBYTE = 2 ** 20;

/** Tests of redis-benchmark, by case. */
const COMMANDS: Readonly<Record<string, string>> = {
  'plain, PING': 'ping_mbulk',
  'plain, SET': 'set',
  'plain, GET': 'get',
};

const byRedis: Contender = {
  name: 'redis',
  runtime: installedRedis,
  command: (each) => typescriptProgram('bench/servers/redis-server.ts', each),
};

export const redis: Suite = {
  name: 'redis',
  title: `commands of redis-benchmark, ${PIPELINED} in flight on each of ${CONNECTIONS} connections`,
  tools: { 'redis-benchmark': 'redis-tools' },
  cases: Object.keys(COMMANDS),
  metrics: [
    { name: 'cpuMicros', title: 'CPU µs/command', digits: 2 },
    { name: 'commandsPerSecond', title: 'commands/s', digits: 0, better: 'more' },
    { name: 'residentMebibytes', title: 'MiB resident', digits: 0, better: 'less' },
  ],
  contenders: [ours('examples/redis.ts'), ...nodes('bench/servers/node-redis.ts'), byRedis],
  measure,
};

async function measure(server: ServerProcess, { name }: Case, load: Load): Promise<Sample> {
  const [host, port] = server.endpoint;
  const command = COMMANDS[name];
  if (command === undefined) throw new TypeError(`no case is called "${name}"`);
  const requests = Math.round(COMMANDS_PER_SECOND * load.seconds);
  const { pinning, signal } = load;
  const shape = { command, requests, connections: CONNECTIONS, pipelined: PIPELINED };
  const before = server.cpuSeconds();
  const commandsPerSecond = await runRedisBenchmark({ host, port, ...shape, prefix: pinning.load, signal });
  return {
    cpuMicros: ((server.cpuSeconds() - before) / requests) * 1e6,
    commandsPerSecond,
    residentMebibytes: server.residentBytes() / MEBIBYTE,
  };
}
