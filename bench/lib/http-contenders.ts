/** Who answers the smallest request, everybody with the same: 13 bytes of text/plain. */
import type { Answer } from './expect-answer.ts';
import { byHaproxy, byNginx, nodes, onBun, onDeno, ours } from './peers.ts';
import type { Contender } from './suite.ts';

export const GREETING = 'Hello, World!';
export const GREETING_ANSWER: Answer = { type: 'text/plain', body: Buffer.from(GREETING) };

export const HTTP_CONTENDERS: readonly [Contender, ...Contender[]] = [
  ours('examples/http.ts'),
  ...nodes('bench/servers/node-http.ts'),
  onBun('bun-http.mjs'),
  onDeno('deno-http.mjs'),
  byNginx(() => ['--answer', GREETING]),
  byHaproxy(() => ['--answer', GREETING]),
];
