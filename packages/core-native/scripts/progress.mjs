// What a person sees while set-up works: one line a step, on standard error.
// Rule: standard output belongs to the program that runs afterwards; nothing here writes to it.

const REPEAT_MS = 10_000;

/** Starts a named step. `update(detail)` reports how far it is, `done(detail)` ends it. */
export function startStep(title, stream = process.stderr) {
  const startedMs = Date.now();
  const live = stream.isTTY === true;
  let lastMs = startedMs;
  const seconds = () => `${((Date.now() - startedMs) / 1000).toFixed(1)} s`;
  const write = (text, ending) => stream.write(live ? `\r\x1b[K${text}${ending}` : `${text}\n`);
  write(`· ${title} …`, '');
  return {
    update(detail) {
      if (Date.now() - lastMs < (live ? 200 : REPEAT_MS)) return;
      lastMs = Date.now();
      write(`· ${title} … ${detail}, ${seconds()}`, '');
    },
    done(detail = '') {
      write(`✓ ${title}${detail === '' ? '' : `: ${detail}`} (${seconds()})`, '\n');
    },
    failed() {
      write(`✗ ${title} (${seconds()})`, '\n');
    },
  };
}

/** Runs `action(step)` as one step and marks it done, with the text that `describe` makes of its result, or failed. */
export async function runStep(title, action, describe = () => '') {
  const step = startStep(title);
  try {
    const result = await action(step);
    step.done(describe(result));
    return result;
  } catch (error) {
    step.failed();
    throw error;
  }
}

/** A line of its own between steps. */
export function note(text) {
  process.stderr.write(`  ${text}\n`);
}
