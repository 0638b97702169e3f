// The steps of a document that can be followed: its code fences, in order.
//   ```sh                  commands for the reader's shell
//   ```text                what they show, behind them
//   ```ts title=PATH       a whole file, in place of what is there; `append` puts it at the end of what is there
// Rule: every fence is one of these. A snippet that nobody runs is a mistake, and an error.

/** `{ kind: 'commands' | 'output' | 'file', line, text, path?, appends? }` for each fence of `markdown`. */
export function fencesOf(markdown) {
  const fences = [];
  let open;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [, mark, info = ''] = /^(`{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (mark !== undefined) open = { mark, info, line: index + 1, body: [] };
    } else if (mark === open.mark && info === '') {
      fences.push(fence(open, fences.at(-1)));
      open = undefined;
    } else {
      open.body.push(line);
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: the fence has no end`);
  return fences;
}

function fence({ info, line, body }, before) {
  const [language, ...words] = info.trim().split(/\s+/);
  const text = `${body.join('\n')}\n`;
  if (info === 'sh') return { kind: 'commands', line, text };
  if (info === 'text') {
    if (before?.kind !== 'commands') throw new Error(`line ${line}: output, and no commands before it`);
    return { kind: 'output', line, text };
  }
  const [title, how] = words;
  const path = /^title=(.+)$/.exec(title ?? '')?.[1];
  const isKnown = how === undefined || how === 'append';
  if (language === '' || path === undefined || !isKnown || words.length > 2)
    throw new Error(`line ${line}: \`${info}\` is neither sh, nor text, nor LANGUAGE title=PATH [append]`);
  return { kind: 'file', line, text, path, appends: how === 'append' };
}

/** Whether `shown` has the lines of `expected` in that order, others between them; `…` is anything. The first one missing, or undefined. */
export function missingLine(expected, shown) {
  const lines = shown.split('\n').map((line) => line.trim());
  let at = 0;
  for (const wanted of expected.trim().split('\n')) {
    const pattern = wanted
      .trim()
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    const found = lines.slice(at).findIndex((line) => new RegExp(`^${pattern}$`).test(line));
    if (found < 0) return wanted;
    at += found + 1;
  }
  return undefined;
}
