/** `curl` against the HTTPS server. */
import type { StepReport } from './account.ts';
import { compare, payload } from './payload.ts';
import { runTool } from './tool.ts';

/** Posts random bytes and compares what comes back. */
export async function curlPost(port: number, caFile: string): Promise<StepReport> {
  const sent = payload();
  const beforeMs = performance.now();
  const args = ['--silent', '--show-error', '--verbose', '--fail', '--noproxy', '*', '--cacert', caFile];
  const url = `https://127.0.0.1:${port}/`;
  const run = await runTool('curl', [...args, '--data-binary', '@-', url], sent);
  if (run === undefined) return { missing: 'curl' };
  const sealed = /SSL connection using ([^\r\n]+)/.exec(run.stderr)?.[1]?.split(' / ');
  const alpn = /ALPN[:,] server accepted (?:to use )?([^\s]+)/.exec(run.stderr)?.[1];
  return {
    sealed: [...(sealed ?? ['TLS, details not told']), `ALPN ${alpn ?? '-'}`].join(', '),
    outcome: `POST / ${compare(sent, run.stdout, performance.now() - beforeMs)}`,
  };
}
