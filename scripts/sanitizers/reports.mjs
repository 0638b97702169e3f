// Judges what the processes of a run with sanitizers have reported.
// Rule: whatever is not known to be harmless is a problem. Harmless is only a leak whose memory no code of the addon asked
// for: Node does not free all of its own, above all in a process that calls process.exit() or dies of an exception.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ADDON = 'sluice.node';
/** Between the one who wanted the memory and the one who noted it. */
const LIBRARIES = /^lib(asan|ubsan|stdc\+\+|c|gcc_s)[.-]/;
/** By our own code, with its line, and inside of OpenSSL, which is not instrumented. */
const PLANTED = [/^ *#\d+ .* in Leak .*planted_faults\.cc:\d+/m, /^ *#\d+ .* in CRYPTO_malloc /m];

/**
 * Reads every report in `folder`: `problems` are texts to show, `planted` is what the process with the planted leaks
 * reported (undefined if they were not seen), `foreign` counts the leaks of others.
 */
export function readReports(folder) {
  const sum = { problems: [], planted: undefined, foreign: 0 };
  for (const name of readdirSync(folder).sort()) {
    const { problem, planted, foreign } = judge(readFileSync(join(folder, name), 'utf8'));
    if (problem !== undefined) sum.problems.push(problem);
    sum.planted ??= planted;
    sum.foreign += foreign;
  }
  return sum;
}

/** One process's report. */
export function judge(text) {
  const leaks = [];
  const rest = text.replace(/^(?:Direct|Indirect) leak of .*\n(?: *#\d+ .*\n)*/gm, (leak) => {
    leaks.push(leak);
    return '';
  });
  const ours = leaks.filter(isOurs);
  const isPlanted = PLANTED.every((frame) => ours.some((leak) => frame.test(leak)));
  const counted = isPlanted ? [] : ours;
  const others = rest
    .replace(/^=+\n==\d+==ERROR: LeakSanitizer: detected memory leaks\n/gm, '')
    .replace(/^SUMMARY: AddressSanitizer: \d+ byte\(s\) leaked in .*\n/gm, '')
    .trim();
  const parts = [...(others === '' ? [] : [others]), ...counted];
  return {
    problem: parts.length === 0 ? undefined : parts.join('\n'),
    planted: isPlanted ? ours.join('\n') : undefined,
    foreign: leaks.length - ours.length,
  };
}

/** Whether the addon, OpenSSL in it included, asked for the memory. */
function isOurs(leak) {
  const modules = [...leak.matchAll(/^ *#\d+ .*\((\S+?)\+0x[0-9a-f]+\)$/gm)].map(([, path]) =>
    path.split('/').at(-1),
  );
  // A leak without a stack is anybody's.
  return (modules.find((module) => !LIBRARIES.test(module)) ?? ADDON) === ADDON;
}
