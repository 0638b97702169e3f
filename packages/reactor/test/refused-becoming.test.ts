/** When `become()` refuses, how it says so, and that neither protocol is told of it. */
import { Status } from '@sluice/core-native';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Protocol, UsageError } from '../src/index.ts';
import { FakeTransport, Harness } from '../src/testing/index.ts';
import { Recorder } from './recorder.ts';

let harness: Harness;
/** The protocol that a connection begins with, and the one that is to take over. */
let first: Recorder;
let next: Recorder;
beforeEach(async () => {
  harness = new Harness();
  first = new Recorder();
  next = new Recorder();
  await harness.listen(first);
});

describe('a change of protocols is refused, and changes nothing,', () => {
  const refused = (run: () => void) => {
    try {
      run();
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(UsageError);
      return { code: (thrown as UsageError).code, message: (thrown as Error).message };
    }
    return undefined;
  };

  test('in onOpen', () => {
    let refusal: unknown;
    first.opened = (conn) => {
      refusal = refused(() => conn.become(next));
    };
    harness.accept((script) => script.reads.push('x'));
    harness.poller.settle();
    expect(refusal).toEqual({
      code: 'ERR_BECOME',
      message:
        'This connection cannot change its protocol: onOpen has not returned; there is no state to take the place of.',
    });
    expect([first.log, next.log]).toEqual([['open', 'data x'], []]);
  });

  test('after end()', () => {
    harness.accept();
    first.conn.end();
    expect(refused(() => first.conn.become(next))).toEqual({
      code: 'ERR_BECOME',
      message:
        'This connection cannot change its protocol: our side has been ended; call become() instead of end().',
    });
    expect(next.log).toEqual([]);
  });

  test('during the handshake of an upgrade', () => {
    const sealed = new FakeTransport();
    sealed.handshakes.push(Status.wantsRead);
    harness.accept();
    first.conn.upgrade({ name: 'next', upgrades: true, accept: () => sealed }, { head: new Uint8Array(0) });
    expect(refused(() => first.conn.become(next))).toEqual({
      code: 'ERR_BECOME',
      message:
        'This connection cannot change its protocol: a handshake is under way; wait for onOpen or onUpgraded.',
    });
  });

  test('P48 beside early data, which the other protocol could not tell', async () => {
    const early = Object.assign(new Recorder(), { earlyData: true });
    harness = new Harness();
    await harness.listen(early);
    harness.accept((script) => script.handshakes.push(Status.early));
    expect(refused(() => early.conn.become(next))).toEqual({
      code: 'ERR_BECOME',
      message: 'This connection cannot change its protocol: a handshake is under way; wait for onHandshaken.',
    });
    early.conn.destroy();
  });

  test('for what is no protocol, and for a head that is no bytes', () => {
    harness.accept();
    expect(refused(() => first.conn.become({} as Protocol<void>))).toEqual({
      code: 'ERR_OPTION_VALUE',
      message: 'become needs a protocol: an object with the hook onOpen.',
    });
    expect(refused(() => first.conn.become(next, 'head' as unknown as Uint8Array))).toEqual({
      code: 'ERR_OPTION_VALUE',
      message: 'head must be the bytes that belong to the new protocol.',
    });
    first.conn.destroy();
    expect([first.log, next.log]).toEqual([['open', 'close clean'], []]);
  });

  test('without a word on a connection that is closing or closed', () => {
    harness.accept();
    const { conn } = first;
    conn.close();
    expect(conn.become(next)).toBe(false);
    conn.destroy();
    expect(conn.become(next, Buffer.from('head'))).toBe(false);
    expect([first.log, next.log]).toEqual([['open', 'close clean'], []]);
  });
});
