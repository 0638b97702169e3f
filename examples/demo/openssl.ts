/** `openssl s_client` against the echo server. */
import type { StepReport } from './account.ts';
import { compare, payload } from './payload.ts';
import { runTool } from './tool.ts';

/** Random bytes there and back, once with TLS 1.2 and once with 1.3. */
export async function opensslEchoes(port: number, caFile: string): Promise<StepReport[]> {
  const first = await opensslEcho(port, caFile, '1.2');
  return 'missing' in first ? [first] : [first, await opensslEcho(port, caFile, '1.3')];
}

async function opensslEcho(port: number, caFile: string, version: '1.2' | '1.3'): Promise<StepReport> {
  const sent = payload();
  const beforeMs = performance.now();
  // -brief prints what was negotiated to standard error and leaves standard output to the data.
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-brief'];
  const trusting = ['-CAfile', caFile, '-verify_return_error', `-tls${version.replace('.', '_')}`];
  const run = await runTool('openssl', [...args, ...trusting], sent, sent.length);
  if (run === undefined) return { missing: 'openssl' };
  const sealed = [
    field(run.stderr, 'Protocol version'),
    field(run.stderr, 'Ciphersuite'),
    (field(run.stderr, 'Server Temp Key') ?? field(run.stderr, 'Negotiated TLS1.3 group'))?.replace(
      /,.*/,
      '',
    ),
  ];
  const known = sealed.filter((value) => value !== undefined);
  return { sealed: known.join(', '), outcome: compare(sent, run.stdout, performance.now() - beforeMs) };
}

function field(text: string, name: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2);
}
