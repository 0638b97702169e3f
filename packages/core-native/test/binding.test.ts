/** What the addon has: its exports, the numbers that it shares with the contract, and what it says of itself. */
import { describe, expect, it } from 'vitest';
import * as contract from '../src/contract.ts';
import { type NativeBinding, Status } from '../src/index.ts';
import { connectedPair } from './support/loopback.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const buffer = Buffer.alloc(16);

describe('the exports', () => {
  it('are those of the contract and no others', () => {
    const names: (keyof NativeBinding)[] = [
      'Epoll',
      'TlsContext',
      'TlsNames',
      'TlsSession',
      'accept',
      'acceptedAddress',
      'adopt',
      'cipherSuiteNames',
      'close',
      'closeFile',
      'connect',
      'connectResult',
      'connectUnix',
      'duplicateFile',
      'exportTicketKeys',
      'failAgain',
      'features',
      'getOption',
      'isFileCached',
      'isSameFile',
      'keepTicketKeys',
      'lastErrno',
      'lastFailure',
      'listen',
      'listenUnix',
      'liveObjects',
      'localAddress',
      'openFile',
      'openFileLater',
      'peek',
      'readCached',
      'recv',
      'recvMany',
      'refuseNew',
      'remoteAddress',
      'reserve',
      'rotateTicketKeys',
      'send',
      'sendFile',
      'sendMany',
      'sendWithFile',
      'sendMore',
      'setOption',
      'setTicketKeys',
      'shutdownWrite',
      'tcpInfo',
      'trustSigpipe',
      'tlsCounts',
      'welcome',
    ];
    expect(Object.keys(native).sort()).toEqual(names.sort());
  });

  it('agree with the numbers of the contract', () => {
    // A fresh socket pair shows each status but ended, which other tests do.
    const pair = connectedPair();
    expect(native.recv(pair.client, buffer, 0, 1)).toBe(Status.wantsRead);
    expect(native.recv(1_000_000, buffer, 0, 1)).toBe(Status.failed);
    pair.close();
    expect(Object.values(Status)).toEqual([-1, -2, -3, -4, -5, -6, -7]);
    expect(contract.READ_MORE).toBe(2 ** 30);
  });
});

describe('features', () => {
  it('tell versions and abilities', () => {
    expect(native.features()).toEqual({
      opensslVersion: expect.stringMatching(/^OpenSSL \d+\.\d+\.\d+/),
      opensslCompiledVersion: expect.stringMatching(/^OpenSSL \d+\.\d+\.\d+/),
      nodeApiVersion: 8,
      kernelTls: expect.objectContaining({ openssl: expect.any(Boolean), kernel: expect.any(Boolean) }),
    });
  });
});
