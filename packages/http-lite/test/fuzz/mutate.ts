/**
 * New wire bytes out of old ones: small damage, pieces of HTTP in wrong places, and parts of other inputs.
 *
 * Rule: what comes out depends on the given numbers only.
 */
import type { Random } from './random.ts';

/** No input grows beyond it. */
const MAX_BYTES = 4096;
const MAX_STEPS = 6;

/** Words on which readers of HTTP have disagreed, and what a request is made of. */
const WORDS: readonly string[] = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    '\n\n',
    '\r\n ',
    '\r\n\t',
    ' ',
    '\t',
    '\0',
    '\x0b',
    '\x0c',
    '\x7f',
    '\xa0',
    '\xff',
  ],
  ...[
    ':',
    ' :',
    ',',
    ';',
    '=',
    '"',
    '\\',
    ';a',
    ';a=b',
    ';a="b"',
    ' ; a = "\\""',
    '#',
    '?',
    '/',
    '*',
    '%',
    '%00',
    '@',
  ],
  ...[
    '0',
    '00',
    '+5',
    '-1',
    '0x5',
    '5 ',
    '5',
    'a',
    'fffffffffffff',
    '9007199254740993',
    '18446744073709551621',
    '1_0',
  ],
  ...[
    'GET',
    'POST',
    'HEAD',
    'OPTIONS',
    'CONNECT',
    'PRI',
    'get',
    'a:80',
    '[::1]:443',
    'http://a/',
    'https://a:1?b',
  ],
  ...['HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.10', 'HTTP/11'],
  ...['Host: a\r\n', 'Host:\r\n', 'host: [::1]:80\r\n', 'Content-Length: 5\r\n', 'Content-Length: 0\r\n'],
  ...['Content-Length:\t05 \r\n', 'content-length: 5, 5\r\n', 'Transfer-Encoding: chunked\r\n'],
  ...[
    'transfer-encoding:CHUNKED\r\n',
    'Transfer-Encoding: gzip, chunked\r\n',
    'Transfer-Encoding: identity\r\n',
  ],
  ...[
    'Connection: close\r\n',
    'Connection: keep-alive\r\n',
    'Connection: upgrade\r\n',
    'Upgrade: x\r\n',
    'Expect: 100-continue\r\n',
    'Expect: x\r\n',
  ],
  ...[
    'X: y\r\n',
    'X:\r\n',
    'X : y\r\n',
    ' folded\r\n',
    '0\r\n\r\n',
    '5\r\nhello\r\n',
    '3;a=b\r\nabc\r\n',
    '0\r\nX: y\r\n\r\n',
  ],
  ...['GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'POST / HTTP/1.1\r\nHost: a\r\n'],
];

/** A new input out of `seed`, or out of it and others of `pool`. */
export function mutate(random: Random, seed: Buffer, pool: readonly Buffer[]): Buffer {
  let bytes = seed;
  const steps = 1 + random.below(MAX_STEPS);
  for (let step = 0; step < steps; step++) bytes = mutateOnce(random, bytes, pool);
  return bytes.length > MAX_BYTES ? bytes.subarray(0, MAX_BYTES) : bytes;
}

function mutateOnce(random: Random, bytes: Buffer, pool: readonly Buffer[]): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.below(11)) {
    case 0:
      return replaced(bytes, at, at + 1, Buffer.from([random.below(256)]));
    case 1:
      return replaced(bytes, at, at + 1, Buffer.from([(bytes[at] ?? 0) ^ (1 << random.below(8))]));
    case 2:
    case 3:
      return replaced(bytes, at, at, word(random));
    case 4:
      return replaced(bytes, at, at + random.below(8), word(random));
    case 5:
      return replaced(bytes, at, at + 1 + random.below(random.below(4) === 0 ? 64 : 4), NOTHING);
    case 6:
      return doubled(random, bytes, at);
    case 7:
      return withOtherLine(random, bytes, pool);
    case 8:
      return withoutLine(random, bytes);
    case 9:
      return otherNumber(random, bytes);
    default:
      return Buffer.concat([bytes.subarray(0, at), tailOf(random, random.pick(pool))]);
  }
}

const NOTHING = Buffer.alloc(0);

function word(random: Random): Buffer {
  return Buffer.from(random.pick(WORDS), 'latin1');
}

function replaced(bytes: Buffer, from: number, to: number, by: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(Math.min(to, bytes.length))]);
}

function doubled(random: Random, bytes: Buffer, from: number): Buffer {
  const piece = bytes.subarray(from, from + 1 + random.below(40));
  const times = random.below(20) === 0 ? 1 + random.below(200) : 1;
  return replaced(bytes, from, from, Buffer.concat(new Array<Buffer>(times).fill(piece)));
}

function withOtherLine(random: Random, bytes: Buffer, pool: readonly Buffer[]): Buffer {
  const other = random.pick(pool);
  const [start, end] = lineOf(other, random.below(other.length + 1));
  const [at] = lineOf(bytes, random.below(bytes.length + 1));
  return replaced(bytes, at, at, other.subarray(start, end));
}

function withoutLine(random: Random, bytes: Buffer): Buffer {
  const [start, end] = lineOf(bytes, random.below(bytes.length + 1));
  return replaced(bytes, start, end, NOTHING);
}

/** Another number where one is. */
function otherNumber(random: Random, bytes: Buffer): Buffer {
  const numbers = [...bytes.toString('latin1').matchAll(/[0-9a-f]+/gi)];
  const chosen = numbers.length === 0 ? undefined : random.pick(numbers);
  if (chosen === undefined) return bytes;
  const value = Number.parseInt(chosen[0], 16) + random.below(5) - 2;
  const text =
    random.below(4) === 0 ? random.pick(['0', '00', 'f', 'ffffffff', '-1']) : Math.abs(value).toString(16);
  return replaced(bytes, chosen.index, chosen.index + chosen[0].length, Buffer.from(text, 'latin1'));
}

function tailOf(random: Random, bytes: Buffer): Buffer {
  return bytes.subarray(random.below(bytes.length + 1));
}

/** The line that holds `at`, with its end. */
function lineOf(bytes: Buffer, at: number): [start: number, end: number] {
  const start = at === 0 ? 0 : bytes.lastIndexOf(0x0a, at - 1) + 1;
  const end = bytes.indexOf(0x0a, at);
  return [start, end < 0 ? bytes.length : end + 1];
}
