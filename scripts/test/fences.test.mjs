import { describe, expect, test } from 'vitest';
import { fencesOf, missingLine } from '../docs/fences.mjs';

describe('the fences of a document', () => {
  test('are commands, output and files, each with its line', () => {
    const markdown = [
      'Text.',
      '```sh',
      'npm test',
      '```',
      '```text',
      'ok',
      '```',
      '````md title=a/README.md',
      '```ts',
      'inner',
      '```',
      '````',
      '```ts title=a/b.ts append',
      '```',
    ].join('\n');
    expect(fencesOf(markdown)).toEqual([
      { kind: 'commands', line: 2, text: 'npm test\n' },
      { kind: 'output', line: 5, text: 'ok\n' },
      { kind: 'file', line: 8, text: '```ts\ninner\n```\n', path: 'a/README.md', appends: false },
      { kind: 'file', line: 13, text: '\n', path: 'a/b.ts', appends: true },
    ]);
  });

  test.each([
    ['```ts\n```', 'line 1: `ts` is neither'],
    ['```\n```', 'line 1: `` is neither'],
    ['```ts title=a.ts prepend\n```', 'is neither'],
    ['```sh once\n```', 'is neither'],
    ['```text\n```', 'output, and no commands before it'],
    ['```ts title=a.ts\n```\n```text\n```', 'line 3: output, and no commands before it'],
    ['```sh\nnpm test', 'line 1: the fence has no end'],
  ])('that nobody would run are errors: %j', (markdown, message) => {
    expect(() => fencesOf(markdown)).toThrow(message);
  });
});

describe('what commands must show', () => {
  test('is there in its order, among other lines', () => {
    expect(missingLine('one\ntwo\n', 'zero\n one \nand\ntwo\n')).toBeUndefined();
    expect(missingLine('one\ntwo\n', 'two\none\n')).toBe('two');
    expect(missingLine('one\none\n', 'one\n')).toBe('one');
  });

  test('is a whole line, where only … is anything', () => {
    expect(missingLine('pass 3', 'pass 31')).toBe('pass 3');
    expect(missingLine('a.c', 'abc')).toBe('a.c');
    expect(missingLine('in … ms (…)', 'in 20 ms (fast)')).toBeUndefined();
  });
});
