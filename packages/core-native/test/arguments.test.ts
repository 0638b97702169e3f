/** What the functions and classes of the addon refuse: wrong arguments and wrong receivers, by the class and the words of the error. */
import { describe, expect, it } from 'vitest';
import { Status } from '../src/index.ts';
import { leavesNothingBehind, native } from './support/native.ts';

leavesNothingBehind();

const buffer = Buffer.alloc(16);
const plain = { reusePort: false, ipv6Only: false };
const binding = native as unknown as Record<string, (...values: unknown[]) => unknown>;

const NO_INTEGERS: unknown[] = [undefined, null, '1', true, {}, [], 1n, Symbol('1'), () => 1];
const NO_DESCRIPTORS: unknown[] = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -0.5];
const NO_BYTES: unknown[] = [
  undefined,
  null,
  'text',
  1,
  {},
  [1],
  new ArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Int32Array(2),
  new Float64Array(1),
  new Uint8ClampedArray(1),
];

/** The first argument of each call is a descriptor. */
const CALLS: Record<string, unknown[]> = {
  refuseNew: [0, 'filter'],
  welcome: [0],
  accept: [0],
  adopt: [0],
  connectResult: [0],
  recv: [0, buffer, 0, 16],
  peek: [0, buffer, 0, 16],
  send: [0, buffer, 0, 16],
  sendMore: [0, buffer, 0, 16],
  sendFile: [0, 0, 0, 16],
  shutdownWrite: [0],
  close: [0],
  localAddress: [0],
  remoteAddress: [0],
  setOption: [0, 'noDelay', 1],
  getOption: [0, 'noDelay'],
  tcpInfo: [0],
};

describe('a descriptor', () => {
  it.each(Object.entries(CALLS))('of %s must be an integer of 0 or more', (name, values) => {
    for (const wrong of NO_INTEGERS) {
      expect(() => binding[name]!(wrong, ...values.slice(1))).toThrow(TypeError);
      expect(() => binding[name]!(wrong, ...values.slice(1))).toThrow('"fd" must be an integer');
    }
    for (const wrong of NO_DESCRIPTORS) {
      expect(() => binding[name]!(wrong, ...values.slice(1))).toThrow(RangeError);
      expect(() => binding[name]!(wrong, ...values.slice(1))).toThrow(
        '"fd" must be an integer from 0 to 2147483647',
      );
    }
    expect(() => binding[name]!()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });
});

describe.each(['recv', 'peek', 'send'])('the bytes of %s', (name) => {
  const call =
    (...values: unknown[]) =>
    () =>
      binding[name]!(1_000_000, ...values);

  it('must be a Uint8Array', () => {
    for (const wrong of NO_BYTES) {
      expect(call(wrong, 0, 1)).toThrow(TypeError);
      expect(call(wrong, 0, 1)).toThrow('"buffer" must be a Uint8Array');
    }
  });

  it('must lie inside of it', () => {
    for (const [offset, length] of [
      [0, 17],
      [16, 1],
      [17, 1],
      [1, 16],
      [2 ** 53 - 1, 2 ** 53 - 1],
      [0, 2 ** 32],
    ]) {
      expect(call(buffer, offset, length)).toThrow(RangeError);
      expect(call(buffer, offset, length)).toThrow('reach beyond the buffer, which has 16 bytes');
    }
    for (const wrong of [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53]) {
      expect(call(buffer, wrong, 1)).toThrow('"offset" must be an integer of 0 or more');
      expect(call(buffer, 0, wrong)).toThrow('"length" must be an integer of 0 or more');
    }
    for (const wrong of NO_INTEGERS) {
      expect(call(buffer, wrong, 1)).toThrow(TypeError);
      expect(call(buffer, 0, wrong)).toThrow(TypeError);
    }
    expect(call(buffer, 0, 0)).toThrow('"length" must be at least 1');
  });

  it('must still be there', () => {
    const gone = new Uint8Array(16);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(call(gone, 0, 1)).toThrow('reach beyond the buffer, which has 0 bytes');
  });
});

describe('listen and connect', () => {
  it('check address, port, backlog and options', () => {
    for (const wrong of [undefined, null, 1, {}, Buffer.from('127.0.0.1')]) {
      expect(() => binding['listen']!(wrong, 0, 1, plain)).toThrow('"address" must be a string');
      expect(() => binding['connect']!(wrong, 1)).toThrow('"address" must be a string');
    }
    for (const wrong of [-1, 65_536, 1.5, Number.NaN]) {
      expect(() => binding['listen']!('127.0.0.1', wrong, 1, plain)).toThrow(RangeError);
      expect(() => binding['connect']!('127.0.0.1', wrong)).toThrow(
        '"port" must be an integer from 0 to 65535',
      );
    }
    expect(() => binding['listen']!('127.0.0.1', '80', 1, plain)).toThrow(TypeError);
    expect(() => binding['listen']!('127.0.0.1', 0, -1, plain)).toThrow('"backlog"');
    for (const wrong of [undefined, null, 1, 'x']) {
      expect(() => binding['listen']!('127.0.0.1', 0, 1, wrong)).toThrow('"options" must be an object');
    }
    expect(() => binding['listen']!('127.0.0.1', 0, 1, { reusePort: 1 })).toThrow(
      '"options.reusePort" must be a boolean',
    );
    const trap = {
      get reusePort() {
        throw new Error('from a getter');
      },
    };
    expect(() => binding['listen']!('127.0.0.1', 0, 1, trap)).toThrow('from a getter');
  });

  it('check the options of the socket to be made', () => {
    for (const wrong of [null, 1, 'x'])
      expect(() => binding['connectUnix']!('x', wrong)).toThrow('"socketOptions" must be an object');
    expect(() => binding['connectUnix']!('x', { nodelay: 1 })).toThrow('must be one of noDelay, keepAlive');
    for (const wrong of ['1', true, null])
      expect(() => binding['listenUnix']!('x', 1, { noDelay: wrong })).toThrow(
        '"socketOptions.noDelay" must be an integer',
      );
    for (const wrong of [0.5, 2 ** 31, Number.NaN])
      expect(() => binding['listenUnix']!('x', 1, { noDelay: wrong })).toThrow(RangeError);
    // An undefined one is none.
    expect(native.connectUnix('', { noDelay: undefined })).toBe(Status.failed);
  });

  it('check where a connection is to come from', () => {
    for (const wrong of [null, 1, 'x'])
      expect(() => binding['connect']!('::1', 1, { local: wrong })).toThrow('"local" must be an object');
    for (const wrong of [{}, { address: '::1' }, { address: 1, port: 1 }, { address: '::1', port: '1' }])
      expect(() => binding['connect']!('::1', 1, { local: wrong })).toThrow('"local" must have an address');
    for (const port of [-1, 65_536, 1.5, Number.NaN])
      expect(() => binding['connect']!('::1', 1, { local: { address: '::1', port } })).toThrow(RangeError);
  });
});

describe('setOption and getOption', () => {
  it('knows its options only', () => {
    for (const wrong of [undefined, 1, null])
      expect(() => binding['setOption']!(0, wrong, 1)).toThrow('"option" must be a string');
    expect(() => binding['setOption']!(0, 'nodelay', 1)).toThrow(TypeError);
    expect(() => binding['getOption']!(0, 'nodelay')).toThrow('must be one of noDelay, keepAlive');
    expect(() => binding['setOption']!(0, 'nodelay', 1)).toThrow('must be one of noDelay, keepAlive');
    for (const wrong of [undefined, '1', true])
      expect(() => binding['setOption']!(0, 'noDelay', wrong)).toThrow(TypeError);
    for (const wrong of [0.5, 2 ** 31, Number.NaN])
      expect(() => binding['setOption']!(0, 'noDelay', wrong)).toThrow(RangeError);
  });
});

describe('the constructors', () => {
  it('are not to be called without new', () => {
    for (const name of ['Epoll', 'TlsContext', 'TlsSession'])
      expect(() => binding[name]!({})).toThrow(TypeError);
  });

  it('Epoll wants an Int32Array with room for an event', () => {
    const Epoll = native.Epoll as unknown as new (events?: unknown) => unknown;
    for (const wrong of [
      undefined,
      null,
      1,
      [],
      {},
      new Uint32Array(3),
      new Uint8Array(12),
      new ArrayBuffer(12),
    ]) {
      expect(() => new Epoll(wrong)).toThrow(TypeError);
      expect(() => new Epoll(wrong)).toThrow('"events" must be an Int32Array');
    }
    expect(() => new Epoll(new Int32Array(2))).toThrow(RangeError);
  });

  it('TlsContext wants options of the right types', () => {
    const TlsContext = native.TlsContext as unknown as new (options?: unknown) => unknown;
    for (const wrong of [undefined, null, 1, 'server'])
      expect(() => new TlsContext(wrong)).toThrow('"options" must be an object');
    for (const wrong of [{}, { role: 'peer' }, { role: 1 }])
      expect(() => new TlsContext(wrong)).toThrow('"role" must be');
    for (const [name, wrong] of Object.entries({
      certificateChain: 1,
      privateKey: {},
      passphrase: Buffer.from('x'),
      trustAnchors: 'x',
      verifyPeer: 'yes',
      minVersion: 3,
      maxVersion: null,
      ciphers: [],
      cipherSuites: 1,
      groups: 1,
      alpn: 'h2',
      sessionIdContext: 1,
      tickets: '1',
    })) {
      expect(() => new TlsContext({ role: 'client', [name]: wrong })).toThrow(TypeError);
      expect(() => new TlsContext({ role: 'client', [name]: wrong })).toThrow(`"${name}" must be`);
    }
    expect(() => new TlsContext({ role: 'client', trustAnchors: ['', 1] })).toThrow(
      '"trustAnchors[1]" must be',
    );
    expect(() => new TlsContext({ role: 'client', alpn: [1] })).toThrow('"alpn[0]" must be a string');
  });

  it('TlsSession wants a context of this addon and a descriptor', () => {
    const TlsSession = native.TlsSession as unknown as new (...values: unknown[]) => unknown;
    const context = new native.TlsContext({ role: 'client' });
    const epoll = new native.Epoll(new Int32Array(3));
    const lookalike = Object.create(native.TlsContext.prototype) as object;
    for (const wrong of [
      undefined,
      null,
      1,
      {},
      epoll,
      lookalike,
      new Proxy(context, {}),
      native.TlsContext,
    ]) {
      expect(() => new TlsSession(wrong, 0)).toThrow(TypeError);
      expect(() => new TlsSession(wrong, 0)).toThrow('"context" must be a TlsContext');
    }
    for (const wrong of [undefined, '1', -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => new TlsSession(context, wrong)).toThrow(TypeError);
      expect(() => new TlsSession(context, wrong)).toThrow('"fd" must be a descriptor');
    }
    for (const wrong of [null, 1, 'x'])
      expect(() => new TlsSession(context, 0, wrong)).toThrow('"options" must be an object');
    expect(() => new TlsSession(context, 0, { servername: 1 })).toThrow('"servername" must be a string');
    expect(() => new TlsSession(context, 0, { verifyName: 1 })).toThrow('"verifyName" must be a string');
    epoll.close();
  });
});

describe('methods', () => {
  it('refuse a wrong receiver instead of crashing', () => {
    const context = new native.TlsContext({ role: 'client' });
    const epoll = new native.Epoll(new Int32Array(3));
    const session = new native.TlsSession(context, 0);
    for (const [object, other] of [
      [epoll, session],
      [session, epoll],
      [new native.TlsNames(), session],
    ] as const) {
      const prototype = Object.getPrototypeOf(object) as Record<string, (...values: unknown[]) => unknown>;
      for (const name of Object.getOwnPropertyNames(prototype).filter((each) => each !== 'constructor')) {
        for (const receiver of [
          undefined,
          null,
          1,
          'x',
          {},
          prototype,
          Object.create(prototype),
          new Proxy(object, {}),
          other,
          context,
        ]) {
          expect(() => prototype[name]!.call(receiver, 0, 0, 0, 0)).toThrow(TypeError);
        }
      }
    }
    epoll.close();
    session.close();
  });

  it('of Epoll check slot, generation, interest and timeout', () => {
    const epoll = new native.Epoll(new Int32Array(3)) as unknown as Record<
      string,
      (...values: unknown[]) => unknown
    >;
    for (const name of ['add', 'modify']) {
      for (const wrong of [-1, 2 ** 31, 0.5]) {
        expect(() => epoll[name]!(0, wrong, 0, 1)).toThrow('"slot"');
        expect(() => epoll[name]!(0, 0, wrong, 1)).toThrow('"generation"');
      }
      expect(() => epoll[name]!(0, 0, 0, 4)).toThrow('"interest" must be an integer from 0 to 3');
      expect(() => epoll[name]!(-1, 0, 0, 1)).toThrow(RangeError);
      expect(() => epoll[name]!()).toThrow(TypeError);
    }
    expect(() => epoll['remove']!('1')).toThrow(TypeError);
    expect(() => epoll['wait']!()).toThrow('"timeoutMs" must be an integer');
    expect(() => epoll['wait']!(-2)).toThrow('"timeoutMs" must be an integer from -1');
    for (const wrong of [undefined, null, {}, 1])
      expect(() => epoll['watch']!(wrong)).toThrow('"onReady" must be a function');
    epoll['close']!();
  });

  it('of TlsSession check their ranges', () => {
    const session = new native.TlsSession(new native.TlsContext({ role: 'client' }), 0) as unknown as Record<
      string,
      (...values: unknown[]) => unknown
    >;
    for (const name of ['read', 'write']) {
      for (const wrong of NO_BYTES)
        expect(() => session[name]!(wrong, 0, 1)).toThrow('"buffer" must be a Uint8Array');
      expect(() => session[name]!(buffer, 0, 17)).toThrow(RangeError);
      expect(() => session[name]!(buffer, -1, 1)).toThrow(RangeError);
      expect(() => session[name]!(buffer, 0, 0)).toThrow(RangeError);
    }
    session['close']!();
  });
});
