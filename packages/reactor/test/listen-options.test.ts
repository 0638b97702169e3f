import { beforeEach, describe, expect, test } from 'vitest';
import { Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
let recorder: Recorder;

beforeEach(async () => {
  harness = new Harness();
  recorder = new Recorder();
  await harness.listen(recorder);
});

describe('without a host', () => {
  const protocol = { onOpen: () => {} };

  test.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'] as const)(
    'a kernel that has no IPv6 and says %s listens on IPv4',
    async (code) => {
      const { sockets, reactor } = new Harness();
      sockets.listens.push(code);
      await reactor.listen({ port: 0 }, protocol);
      expect(sockets.listenedOn).toEqual(['::', '0.0.0.0']);
    },
  );

  test('nothing else is tried when the port is taken, or IPv6 alone was asked for', async () => {
    const { sockets, reactor } = new Harness();
    sockets.listens.push('EADDRINUSE', 'EAFNOSUPPORT');
    await expect(reactor.listen({ port: 80 }, protocol)).rejects.toThrow('listen [::]:80 failed: EADDRINUSE');
    const alone = reactor.listen({ port: 80, ipv6Only: true }, protocol);
    await expect(alone).rejects.toMatchObject({ name: 'SystemError', code: 'EAFNOSUPPORT' });
    expect(sockets.listenedOn).toEqual(['::', '::']);
  });
});

describe('options', () => {
  test.each([
    [
      { port: 80, backlogg: 1 },
      'ERR_UNKNOWN_OPTION',
      "listen has no option 'backlogg'. Known are: port, host, ipv6Only, backlog, ",
    ],
    [
      { port: 80, BackLog: 1 },
      'ERR_UNKNOWN_OPTION',
      "listen has no option 'BackLog'. Did you mean 'backlog'?",
    ],
    [{ port: 65_536 }, 'ERR_OPTION_VALUE', 'port must be an integer from 0 to 65535, not 65536.'],
    [{ port: '80' }, 'ERR_OPTION_VALUE', 'port must be an integer from 0 to 65535, not 80.'],
    [{}, 'ERR_OPTION_VALUE', 'listen needs one of port, path, fd; none is given.'],
    [
      { port: 80, path: '/x' },
      'ERR_OPTION_VALUE',
      "listen needs one of port, path, fd; 'port' and 'path' are given.",
    ],
    [{ path: '/x', reusePort: true }, 'ERR_OPTION_VALUE', 'reusePort has no meaning beside path: leave one'],
    [{ path: '/x', noDelay: true }, 'ERR_OPTION_VALUE', 'noDelay has no meaning beside path'],
    [{ path: '/x', mode: 0o1777 }, 'ERR_OPTION_VALUE', 'mode must be an integer from 0 to 511, not 1023.'],
    [{ path: '\0x', mode: 0o600 }, 'ERR_OPTION_VALUE', 'mode does not go with an abstract name'],
    [{ port: 80, mode: 0o600 }, 'ERR_OPTION_VALUE', 'mode has no meaning beside port'],
    [{ fd: 3, backlog: 1 }, 'ERR_OPTION_VALUE', 'backlog has no meaning beside fd'],
    [{ fd: -1 }, 'ERR_OPTION_VALUE', 'fd must be an integer from 0 to 2147483647, not -1.'],
    [{ path: '' }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "".'],
    [{ path: 'é'.repeat(54) }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "éé'],
    [{ path: 'a\0b' }, 'ERR_OPTION_VALUE', 'path must be a text of 1 to 107 bytes, not "a\\u0000b".'],
    [{ port: 80, host: '' }, 'ERR_OPTION_VALUE', 'host must be a text, not "".'],
    [{ port: 80, ipv6Only: 1 }, 'ERR_OPTION_VALUE', 'ipv6Only must be true or false, not 1.'],
    [
      { port: 80, host: '127.0.0.1', ipv6Only: true },
      'ERR_OPTION_VALUE',
      'ipv6Only does not go with the IPv4 address 127.0.0.1.',
    ],
    [{ port: 80, reusePort: 'yes' }, 'ERR_OPTION_VALUE', 'reusePort must be true or false, not yes.'],
    [{ port: 80, noDelay: 0 }, 'ERR_OPTION_VALUE', 'noDelay must be true or false, not 0.'],
    [{ port: 80, keepAlive: 60 }, 'ERR_OPTION_VALUE', 'keepAlive must be true or false, not 60.'],
    [
      { port: 80, keepAlive: { idle: 1 } },
      'ERR_UNKNOWN_OPTION',
      "keepAlive has no option 'idle'. Known are: idle",
    ],
    [
      { port: 80, keepAlive: { count: 128 } },
      'ERR_OPTION_VALUE',
      'keepAlive.count must be an integer from 1 to 127, not 128.',
    ],
    [{ port: 80, userTimeoutMs: 0 }, 'ERR_OPTION_VALUE', 'userTimeoutMs must be an integer from 1'],
    [{ port: 80, sendBufferBytes: 0 }, 'ERR_OPTION_VALUE', 'sendBufferBytes must be an integer from 1'],
    [{ port: 80, backlog: 0 }, 'ERR_OPTION_VALUE', 'backlog must be an integer from 1 to 65535, not 0.'],
    [
      { port: 80, transport: { name: 'x' } },
      'ERR_OPTION_VALUE',
      'transport does not fit listen(): give it tls(',
    ],
  ])('%j is refused before anything is opened', async (options, code, message) => {
    const before = harness.poller.registered.size;
    const listening = harness.reactor.listen(options as { port: number }, recorder);
    await expect(listening).rejects.toMatchObject({ name: 'UsageError', code });
    await expect(listening).rejects.toThrow(message);
    expect(harness.poller.registered.size).toBe(before);
  });

  test.each([
    [{ limits: { readBudget: 1 } }, "limits has no option 'readBudget'"],
    [{ limits: { readBudgetBytes: 0 } }, 'limits.readBudgetBytes must be an integer from 1'],
    [
      { limits: { lowWaterMarkBytes: 100, highWaterMarkBytes: 100 } },
      'limits.lowWaterMarkBytes must be an integer from 0 to 99, not 100.',
    ],
    [{ limit: {} }, "createReactor has no option 'limit'"],
  ])('of a reactor %j are refused', (options, message) => {
    expect(() => new Harness(options as object)).toThrow(message);
  });

  test('a lowered high-water mark takes the low one with it', async () => {
    expect(() => new Harness({ limits: { highWaterMarkBytes: 1 } })).not.toThrow();
  });
});
