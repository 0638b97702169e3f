import { describe, expect, it } from 'vitest';
import { parseOptions } from '../lab/options.mjs';

describe('the command line of npm run lab', () => {
  it.each([
    [['cat', '/proc/version'], { command: ['cat', '/proc/version'] }],
    [['node', '--timeout', '1'], { command: ['node', '--timeout', '1'] }],
    [['--', '--odd-name'], { command: ['--odd-name'] }],
    [['--timeout', '0.5', '--memory', '512M', 'ls'], { timeoutMs: 500, memory: '512M', command: ['ls'] }],
    [
      ['--netem=delay 20ms loss 2%', '--', 'ls', '--'],
      { netem: 'delay 20ms loss 2%', command: ['ls', '--'] },
    ],
    [['--suite', 'sid', '--tests', 'x'], { suite: 'sid', tests: true, command: ['x'] }],
    [['--tests', 'echo', '-t', 'x'], { tests: true, command: ['echo', '-t', 'x'] }],
    [[], { command: [] }],
  ])('%j', (args, expected) => {
    expect(parseOptions(args)).toEqual(expected);
  });

  it.each([
    [['--loss', '2%', 'ls'], /^the lab has no option --loss\n/],
    [['--timeout', '0', 'ls'], /^--timeout takes seconds, more than 0; it is "0"$/],
    [['--timeout', 'soon', 'ls'], /^--timeout takes seconds, more than 0; it is "soon"$/],
    [['--timeout'], /^--timeout takes seconds, more than 0$/],
    [['--memory', '2', 'ls'], /^--memory takes 512M or 2G; it is "2"$/],
    [['--suite', '../x', 'ls'], /^--suite takes a release of Debian's, trixie or sid; it is "..\/x"$/],
    [['--netem', ' ', 'ls'], /^--netem takes what tc-netem\(8\) does, 'delay 20ms loss 2%'; it is " "$/],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(
      expect.objectContaining({ name: 'SetupError', message: expect.stringMatching(message) }),
    );
  });
});
