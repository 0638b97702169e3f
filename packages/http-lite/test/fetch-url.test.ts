/** The URL of a fetch handler's Request is what `URL` writes, however it was come by. */
import type { HttpRequest } from '@sluice/http-lite';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fetchUrl } from '../src/fetch/fetch-url.ts';

function urlOf(target: string, host: string): string {
  const headers = { get: () => host };
  return fetchUrl({
    target,
    headers,
    connection: { transport: { secure: false } },
  } as unknown as HttpRequest);
}

const HOSTS = ['a', 'A.Example', 'a:80', 'a:8080', '1.2', '[::1]', '[0:0::1]:80', 'xn--mnchen-3ya.de', 'a.'];

it('whatever the target is made of', () => {
  const piece = fc.constantFrom(
    ...[
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2',
      '%',
      '?',
      "'",
      '"',
      '<',
      '>',
      '`',
      '{',
      '}',
      '|',
      '\\',
      '^',
      ';',
      ':',
      '@',
    ],
    ...[
      '[',
      ']',
      '&',
      '=',
      '+',
      ',',
      '~',
      '!',
      '$',
      '*',
      '(',
      ')',
      '_',
      '-',
      'a',
      'Z',
      '9',
      'é',
      '%C3%A9',
      '//',
      '/./',
      '/../',
    ],
  );
  const target = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);
  fc.assert(
    fc.property(target, fc.constantFrom(...HOSTS), (path, host) => {
      expect(urlOf(path, host)).toBe(new URL(`http://${host}${path}`).href);
    }),
    { seed: 20_26, numRuns: 5000 },
  );
});

it('for each visible character, alone and behind others', () => {
  for (let code = 0x21; code <= 0xff; code++) {
    const character = String.fromCharCode(code);
    if (character === '#') continue;
    for (const target of [
      `/${character}`,
      `/a${character}b`,
      `/?${character}`,
      `/a/${character}/?b=${character}c`,
    ])
      expect(urlOf(target, 'h')).toBe(new URL(`http://h${target}`).href);
  }
});

it('of more hosts than are remembered', () => {
  for (let round = 0; round < 2; round++)
    for (let index = 0; index < 300; index++) expect(urlOf('/p', `H${index}:80`)).toBe(`http://h${index}/p`);
});
