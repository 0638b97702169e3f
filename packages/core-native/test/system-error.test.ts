import { describe, expect, it } from 'vitest';
import { SluiceError, Status, SystemError } from '../src/index.ts';
import { listenOnLoopback } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

describe('a system error', () => {
  it('carries the errno, its name and the call, and says what to do', () => {
    const listener = listenOnLoopback();
    const answer = native.listen('127.0.0.1', listener.port, 1, { reusePort: false, ipv6Only: false });
    expect(answer).toBe(Status.failed);
    const error = new SystemError(native.lastFailure(), `127.0.0.1:${listener.port}`);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ name: 'SystemError', code: 'EADDRINUSE', errno: 98, call: 'bind' });
    expect(error.message).toBe(
      `bind 127.0.0.1:${listener.port} failed: EADDRINUSE, Address already in use. ` +
        'Another socket listens there: stop that program (ss -ltnp shows it) or choose another port.',
    );
    native.close(listener.fd);
  });

  it.each(['EACCES', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ECONNREFUSED', 'ETIMEDOUT'])(
    'has advice for %s',
    (code) => {
      const bare = `call failed: ${code}, words.`;
      const error = new SystemError({ errno: 1, code, call: 'call', reason: 'words' });
      expect(error.message.startsWith(bare)).toBe(true);
      expect(error.message.length).toBeGreaterThan(bare.length);
    },
  );

  it('takes other advice where the usual one does not fit', () => {
    const error = new SystemError({ errno: 13, code: 'EACCES', call: 'bind', reason: 'words' }, '/x', 'Ask.');
    expect(error.message).toBe('bind /x failed: EACCES, words. Ask.');
  });

  it('of an unknown kind gives the words of the kernel', () => {
    const error = new SystemError({
      errno: 133,
      code: 'E133',
      call: 'send',
      reason: 'Memory page has hardware error',
    });
    expect(error.message).toBe('send failed: E133, Memory page has hardware error.');
  });
});
