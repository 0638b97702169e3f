/**
 * Stacks of perf-script(1), folded: equal ones are one, with the number of its samples.
 *
 * Rule: names are made short and tell nothing of the machine: no address, no folder outside of the repository.
 */

/** By frames, outermost first, joined by `;`. */
export type FoldedStacks = ReadonlyMap<string, number>;

/** Where a stack was cut off: code without frame pointers (OpenSSL's, the C library's) does not tell who called it. */
const CUT = '(callers unknown)';
const OUTERMOST = /^(__libc_start_call_main|_start|main|node::Start)$/;

export function foldStacks(script: string): FoldedStacks {
  const folded = new Map<string, number>();
  for (const sample of script.split('\n\n')) {
    const frames = sample
      .split('\n')
      .filter((line) => /^\s+[0-9a-f]+ /.test(line))
      .map(frameName)
      .filter((name) => name !== undefined)
      .reverse();
    if (frames.length === 0) continue;
    const start = frames.findLastIndex((name) => OUTERMOST.test(name));
    const stack = (start < 0 ? [CUT, ...frames] : frames.slice(start + 1)).join(';');
    folded.set(stack, (folded.get(stack) ?? 0) + 1);
  }
  return folded;
}

/** `  ADDRESS SYMBOL+OFFSET (OBJECT)`; undefined for what has no name. */
function frameName(line: string): string | undefined {
  const [, symbol = '', object = ''] = /^\s+[0-9a-f]+ (.*?) \((\S+)\)$/.exec(line) ?? [];
  const name = symbol.replace(/\+0x[0-9a-f]+$/, '');
  if (name === '' || name === '[unknown]') return undefined;
  const script = /^(?:JS|LazyCompile|Function|Script|Eval):[~*^+]?(.*?)\s*(\S+):(\d+):\d+$/.exec(name);
  if (script !== null)
    return `${script[1] || '(anonymous)'} ${scriptName(script[2] ?? '')}:${script[3]} [js]`;
  const where = object.includes('kernel') ? ' [kernel]' : object.endsWith('sluice.node') ? ' [addon]' : '';
  return shortened(name) + where;
}

function scriptName(path: string): string {
  const inRepository = /(?:packages|examples|bench)\/.*$/.exec(path)?.[0];
  return inRepository ?? path.replace(/^.*\//, '');
}

/** Templates and arguments of C++ are longer than what they are about. */
function shortened(name: string): string {
  let short = name.replace(/;/g, ',').replace('(anonymous namespace)', 'anonymous');
  for (let before = ''; before !== short; ) {
    before = short;
    short = short.replace(/<[^<>]*>/g, '').replace(/\([^()]*\)/g, '');
  }
  return short.length > 80 ? `${short.slice(0, 79)}…` : short;
}
