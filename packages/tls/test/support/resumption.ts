/** Node's client, as it gets a session and offers it again. */
import { once } from 'node:events';
import { leave, nodeClient, readBytes, startNodeClient } from './node-client.ts';

export type Version = 'TLSv1.2' | 'TLSv1.3';

/** A session from the echo server on `port`, which `ca` is trusted for. */
export async function sessionFrom(port: number, ca: string, version: Version): Promise<Buffer> {
  const client = startNodeClient(port, { ca, minVersion: version, maxVersion: version });
  const [session] = (await Promise.all([once(client, 'session'), echoed(client)]))[0] as [Buffer];
  await leave(client);
  return session;
}

/** Whether the echo server on `port` takes the session. */
export async function isResumed(
  port: number,
  ca: string,
  version: Version,
  session: Buffer,
): Promise<boolean> {
  const client = await nodeClient(port, { ca, minVersion: version, maxVersion: version, session });
  await echoed(client);
  const resumed = client.isSessionReused();
  await leave(client);
  return resumed;
}

/** The session that the echo server on `port` gives in place of this one, which it has to take. */
export async function renewedSession(
  port: number,
  ca: string,
  version: Version,
  session: Buffer,
): Promise<Buffer> {
  const client = await nodeClient(port, { ca, minVersion: version, maxVersion: version, session });
  await echoed(client);
  if (!client.isSessionReused()) throw new Error('the session was not taken');
  const renewed = client.getSession();
  await leave(client);
  if (renewed === undefined || renewed.equals(session)) throw new Error('the session was not renewed');
  return renewed;
}

async function echoed(client: ReturnType<typeof startNodeClient>): Promise<void> {
  client.write('hello');
  await readBytes(client, 5);
}
