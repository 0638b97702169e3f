/** Whether SIGPIPE can be taken for ignored, so that no file needs two system calls more to hold it back. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { watchSigpipe } from '../src/sigpipe.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

/** An addon that says whether the signal is ignored, and what it was told. */
function addon(isIgnored: boolean) {
  const told: boolean[] = [];
  const trustSigpipe = (trust: boolean) => {
    told.push(trust);
    return trust && isIgnored;
  };
  return { told, trustSigpipe };
}

it('P32 is ignored until somebody listens for it, and then never again', () => {
  const { told, ...ignoring } = addon(true);
  const program = new EventEmitter();
  watchSigpipe(ignoring, program);
  program.on('SIGTERM', () => {});
  expect(told).toEqual([true]);
  program.on('SIGPIPE', () => {});
  expect(told).toEqual([true, false]);
  program.removeAllListeners('SIGPIPE');
  program.on('SIGPIPE', () => {});
  expect(told).toEqual([true, false]);
  expect(program.listenerCount('newListener')).toBe(0);
});

it('P32 is held back from the start where it is not ignored, and nobody is listened to', () => {
  const { told, ...ending } = addon(false);
  const program = new EventEmitter();
  watchSigpipe(ending, program);
  expect([told, program.listenerCount('newListener')]).toEqual([[true], 0]);
});

it('P32 is looked up in this process', () => {
  const [, ignored = ''] = /^SigIgn:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  const isIgnored = ((Number.parseInt(ignored.slice(-4), 16) >> 12) & 1) === 1;
  expect(native.trustSigpipe(true)).toBe(isIgnored);
  expect(native.trustSigpipe(false)).toBe(false);
});
