/**
 * A bad loopback interface, by the kernel's netem. For tests that run in the lab (docs/lab.md), where the interface is
 * nobody else's: anywhere else this throws before it touches anything.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Packets that netem has let through and that it has dropped, and segments that TCP has sent again, each since the start. */
export interface NetworkCounts {
  readonly packets: number;
  readonly dropped: number;
  readonly retransmitted: number;
}

export interface BadNetwork {
  counts(): NetworkCounts;
  /** Makes the interface good again. */
  restore(): void;
}

/**
 * Makes the loopback interface what `netem` says, in the words of tc-netem(8): `delay 20ms loss 2%`. Its packets are as large
 * as an Ethernet's: of 64 KiB each a mebibyte is so few that often none is lost.
 */
export function badNetwork(netem: string): BadNetwork {
  requireLab();
  execFileSync('ip', ['link', 'set', 'lo', 'mtu', '1500', 'gso_max_segs', '1'], { env });
  tc('replace', 'netem', ...netem.split(/\s+/).filter((word) => word !== ''));
  return {
    counts: () => countsOf(execFileSync(TC, ['-s', 'qdisc', 'show', 'dev', 'lo'], { env, encoding: 'utf8' })),
    restore: () => {
      tc('delete');
      execFileSync('ip', ['link', 'set', 'lo', 'mtu', '65536', 'gso_max_segs', '65535'], { env });
    },
  };
}

const TC = 'tc';
// A person's PATH may lack the folder that it is in.
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

function tc(verb: 'replace' | 'delete', ...words: string[]): void {
  execFileSync(TC, ['qdisc', verb, 'dev', 'lo', 'root', ...words], { env });
}

function requireLab(): void {
  if (process.env['SLUICE_LAB'] === undefined) {
    throw new Error('only the lab has a network that may be made bad: npm run lab -- COMMAND');
  }
}

/** ` Sent 125 bytes 3 pkt (dropped 1, overlimits 0 requeues 0)` */
function countsOf(text: string): NetworkCounts {
  const [, packets, dropped] = /(\d+) pkts? \(dropped (\d+),/.exec(text) ?? [];
  if (packets === undefined || dropped === undefined) throw new Error(`tc gave no counts: ${text}`);
  return { packets: Number(packets), dropped: Number(dropped), retransmitted: retransmitted() };
}

/** Two lines of /proc/net/snmp: names, and below them the numbers. */
function retransmitted(): number {
  const lines = readFileSync('/proc/net/snmp', 'utf8').split('\n');
  const [names, numbers] = lines.filter((line) => line.startsWith('Tcp:')).map((line) => line.split(' '));
  return Number(numbers?.[names?.indexOf('RetransSegs') ?? -1]);
}
