/** The demo as a newcomer sees it. */

import { needsTool } from '@sluice-internal/foreign-programs';
import { describe, expect, it } from 'vitest';
import { startExample, startThroughRunner } from './support/program.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const ECHOED = '1,048,576 bytes there and back';

describe('the demo', () => {
  it('drives its servers with our client, openssl and curl, and ends with --once', async (context) => {
    needsTool(context, 'openssl');
    needsTool(context, 'curl');
    const { code, stdout, stderr } = await startExample('demo', ['--once']).ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}TLS echo {3}127\.0\.0\.1:\d+$/m);
    expect(stdout).toMatch(/^ {2}HTTPS {6}https:\/\/127\.0\.0\.1:\d+\/$/m);
    expect(stdout).toMatch(/✓ echo {3}TLSv1\.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768, handshake [\d.]+ ms/);
    expect(stdout).toMatch(/✓ echo {3}TLSv1\.2, ECDHE-ECDSA-AES128-GCM-SHA256/);
    expect(stdout).toMatch(/✓ https {2}TLSv1\.3, TLS_AES_128_GCM_SHA256, ALPN http\/1\.1/);
    expect(stdout.split(ECHOED)).toHaveLength(5);
    expect(stdout).toContain('5 connections accepted, 0 refused, 2 requests served');
  });

  it('says which tools it did not find, and that is no failure', async () => {
    const { code, stdout, stderr } = await startExample('demo', ['--once'], { PATH: temporaryFolder() })
      .ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('- openssl is not installed here: left out');
    expect(stdout).toContain('- curl is not installed here: left out');
    expect(stdout.split(ECHOED)).toHaveLength(2);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('serves until %s, then drains and exits with 0', async (signal) => {
    const demo = startThroughRunner('demo');
    await demo.printed(/^Serving until Ctrl-C\.$/m);
    demo.child.kill(signal);
    const { code, stdout } = await demo.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/openssl s_client -quiet -CAfile \S+ -connect 127\.0\.0\.1:\d+/);
    expect(stdout).toMatch(/curl --cacert \S+ https:\/\/127\.0\.0\.1:\d+\//);
    expect(stdout).toMatch(/\nClosed in order: .*\n$/);
  });

  it('refuses a flag that it does not know', async () => {
    const { code, stdout, stderr } = await startExample('demo', ['--twice']).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^ERR_PARSE_ARGS_UNKNOWN_OPTION: .*'--twice'.*\n$/);
  });
});
