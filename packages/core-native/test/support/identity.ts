import { type Issuer, selfSigned } from '@sluice-internal/certificates';
import { beforeAll } from 'vitest';
import type { NativeTlsContext, NativeTlsContextOptions } from '../../src/index.ts';
import { native } from './native.ts';

/** An authority and a server's certificate of it, made before the tests of a file run. */
export interface Identity {
  authority: Issuer;
  leaf: Issuer;
  /** A server context with that certificate. */
  server(options?: Partial<NativeTlsContextOptions>): NativeTlsContext;
}

export function identityFor(names: { dns: readonly string[]; ip?: readonly string[] }): Identity {
  const identity = {
    server: (options = {}) =>
      new native.TlsContext({
        role: 'server',
        certificateChain: identity.leaf.certificate,
        privateKey: identity.leaf.key,
        ...options,
      }),
  } as Identity;
  beforeAll(async () => {
    identity.authority = await selfSigned({ name: 'Test authority', authority: true });
    identity.leaf = await identity.authority.issue({ name: 'localhost', ...names });
  });
  return identity;
}
