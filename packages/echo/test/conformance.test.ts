import { testProtocol } from '@sluice/reactor/testing';
import { describe, test } from 'vitest';
import { echo } from '../src/index.ts';

const long = Buffer.alloc(500, 'a long one, ');

describe('echo', () => {
  testProtocol({
    test,
    protocol: echo,
    scripts: [
      { name: 'a line', input: 'hello\n', output: 'hello\n' },
      { name: 'nothing', input: '', output: '' },
      { name: 'a long text', input: long, output: long },
    ],
  });
});
