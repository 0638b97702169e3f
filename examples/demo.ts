/**
 * The five-minute tour: a TLS echo and an HTTPS server, driven by our own client, by openssl and by curl.
 *
 *   npm run demo                (keeps serving until Ctrl-C)
 *   npm run demo -- --once      (ends after the round trips)
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createReactor } from '@sluice/reactor';
import * as account from './demo/account.ts';
import { curlPost } from './demo/curl.ts';
import { opensslEchoes } from './demo/openssl.ts';
import { ownEcho, ownGet } from './demo/own-client.ts';
import { startServers } from './demo/servers.ts';
import { trustFile } from './demo/trust-file.ts';
import { exitWith, orExit } from './shared/exit-with.ts';
import { selfSigned } from './shared/self-signed.ts';

const options = { once: { type: 'boolean', default: false } } as const;
const { values } = orExit(() => parseArgs({ options }));
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);

const credentials = await selfSigned();
const reactor = createReactor();
const servers = await startServers(reactor, credentials).catch(exitWith);
const trust = trustFile(credentials.cert);

account.opening(servers);
const outcome = await Promise.race([tour(), interrupted.then(() => 'interrupted' as const)]);
if (outcome === 'passed' && !values.once) {
  account.invitation(servers, trust.path);
  await interrupted;
}
const report = await reactor.shutdown({ deadlineMs: 5_000 });
account.farewell(report);
trust.remove();
process.exit(outcome === 'failed' ? 1 : 0);

/** Every client once, one after the other; the first thing that is not as it should be ends it. */
async function tour(): Promise<'passed' | 'failed'> {
  const { echo, https } = servers;
  try {
    account.chapter('our own client, made with reactor.connect');
    account.step('echo', await ownEcho(reactor, echo.port, credentials.cert));
    account.step('https', await ownGet(reactor, https.port, credentials.cert));
    account.chapter('openssl s_client');
    for (const report of await opensslEchoes(echo.port, trust.path)) account.step('echo', report);
    account.chapter('curl');
    account.step('https', await curlPost(https.port, trust.path));
    account.totals(reactor.stats(), servers.requests());
    return 'passed';
  } catch (thrown) {
    account.failure(thrown as Error);
    return 'failed';
  }
}
