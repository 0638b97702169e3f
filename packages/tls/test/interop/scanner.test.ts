/** What a scanner finds on a server of ours with its defaults. testssl takes minutes: docs/interoperability.md has its findings. */
import { selfSigned } from '@sluice-internal/certificates';
import { needsTool, startTool } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ourServer } from '../support/endpoints.ts';
import { Printed } from '../support/printed.ts';
import { bystander } from './support/bystander.ts';

describe('sslscan', () => {
  beforeEach((context) => needsTool(context, 'sslscan'));

  it.each(['ecdsa', 'rsa'] as const)(
    'finds TLS 1.2 and 1.3, ciphers with forward secrecy, and nothing weak: %s',
    async (algorithm) => {
      const { certificate: cert, key } = await selfSigned({
        name: 'localhost',
        dns: ['localhost'],
        algorithm,
      });
      const server = await ourServer({ cert, key });
      const nobodyElse = await bystander(server, { ca: cert });
      const tool = startTool('sslscan', ['--xml=-', '--no-colour', `127.0.0.1:${server.port}`]);
      const printed = new Printed(tool);
      expect((await tool.ended).code).toBe(0);
      const found = await printed.rest();
      const all = (pattern: RegExp) => [...found.matchAll(pattern)].map(([, first]) => first);
      expect(all(/<protocol type="\w+" version="([\d.]+)" enabled="1"/g)).toEqual(['1.2', '1.3']);
      const [first, ...ciphers] = all(/<cipher [^>]*cipher="([^"]+)"/g);
      expect(first).toBe('TLS_AES_128_GCM_SHA256');
      expect(ciphers).toHaveLength(5);
      for (const cipher of ciphers) expect(cipher).toMatch(/^(TLS|ECDHE).*(GCM|POLY1305)/);
      expect(all(/strength="(\w+)"/g).filter((name) => !/^(strong|acceptable)$/.test(name!))).toEqual([]);
      expect(all(/<heartbleed [^>]*vulnerable="(\d)"/g)).toEqual(['0', '0']);
      expect(found).toContain('<renegotiation supported="0"');
      await nobodyElse();
    },
  );
});
