// The command line of `npm run lab`.
// Rule: our options end where the command begins; whatever follows is the command's, dashes and all.
import { SetupError } from '../../packages/core-native/scripts/setup-error.mjs';

export const USAGE = `Runs a command in a Linux kernel of its own, on this machine's files (docs/lab.md):

    npm run lab -- [OPTION...] COMMAND [ARGUMENT...]
    npm run lab -- --tests [FILTER...]     the tests that need it; filters are vitest's

    --netem 'delay 20ms loss 2%'           a bad loopback interface, in the words of tc-netem(8)
    --memory 512M                          the kernel's memory (2G)
    --suite sid                            the kernel of another release of Debian's than this machine's
    --timeout SECONDS                      ends the command after that time, with exit code 124

    npm run lab -- cat /proc/net/tls_stat
    npm run lab -- --netem 'delay 20ms loss 2% reorder 25%' node my-server.js
`;

const VALUES = {
  '--netem': {
    name: 'netem',
    parse: (text) => text,
    pattern: /\S/,
    hint: "what tc-netem(8) does, 'delay 20ms loss 2%'",
  },
  '--memory': { name: 'memory', parse: (text) => text, pattern: /^[1-9]\d{0,4}[MG]$/, hint: '512M or 2G' },
  '--suite': {
    name: 'suite',
    parse: (text) => text,
    pattern: /^[a-z][a-z-]*$/,
    hint: "a release of Debian's, trixie or sid",
  },
  '--timeout': {
    name: 'timeoutMs',
    parse: (text) => Number(text) * 1000,
    // As far as a timer of Node's reaches.
    pattern: /^(?!0*(\.0*)?$)\d{1,6}(\.\d+)?$/,
    hint: 'seconds, more than 0',
  },
};

/** `{ command, tests?, netem?, memory?, suite?, timeoutMs? }`; throws a SetupError for an option that is none. */
export function parseOptions(args) {
  const options = {};
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at];
    if (word === '--') return { ...options, command: args.slice(at + 1) };
    if (word === '--tests') return { ...options, tests: true, command: args.slice(at + 1) };
    if (!word.startsWith('-')) return { ...options, command: args.slice(at) };
    const [flag, attached] = splitFlag(word);
    const option = VALUES[flag];
    if (option === undefined) throw new SetupError(`the lab has no option ${word}\n\n${USAGE}`);
    if (attached === undefined) at += 1;
    const text = attached ?? args[at];
    if (text === undefined || !option.pattern.test(text)) {
      throw new SetupError(`${flag} takes ${option.hint}${text === undefined ? '' : `; it is "${text}"`}`);
    }
    options[option.name] = option.parse(text);
  }
  return { ...options, command: [] };
}

/** `--name=value` as its two parts. */
function splitFlag(word) {
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}
