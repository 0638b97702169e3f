import { connect } from 'node:net';
import { http } from '@sluice/http-lite';
import { createReactor } from '@sluice/reactor';
import { needsTool } from '@sluice-internal/foreign-programs';
import { describe, expect, it } from 'vitest';
import { NginxReader } from './nginx-reading.ts';
import { NodeReader } from './node-reading.ts';
import { ourReading, type Reading, wholeRequests } from './reading.ts';
import { readVectors } from './vector-file.ts';

const vectors = readVectors('smuggling.md');

/** Ours, where it was not refused, next to another's. */
async function readBoth(read: (wire: Buffer) => Promise<Reading>): Promise<[string, unknown, unknown][]> {
  const pairs: [string, unknown, unknown][] = [];
  for (const { title, wire } of vectors) {
    const ours = ourReading(wire);
    const theirs = await read(wire);
    if (ours.ending === 'refused' || ours.ending === 'cut') continue;
    pairs.push([title, wholeRequests(ours), wholeRequests(theirs)]);
  }
  return pairs;
}

/** What a handler on a real socket is asked, when each of the vectors comes on a connection of its own. */
async function targetsOverSockets(): Promise<string[]> {
  const targets: string[] = [];
  const reactor = createReactor();
  const protocol = http(async (req, res) => {
    targets.push(req.target);
    await req.body.bytes();
    res.end();
  });
  const server = await reactor.listen({ port: 0, host: '127.0.0.1' }, protocol);
  const port = server.address()?.port ?? 0;
  for (const { wire } of vectors) {
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => {
      socket.on('close', resolve);
    });
    socket.on('error', () => {});
    socket.resume().end(wire);
    await closed;
  }
  await reactor.shutdown({ deadlineMs: 0 });
  return targets;
}

describe('bytes that two readers could read in two ways', () => {
  it('are here in number', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(60);
  });

  it.each(vectors)('hold no request that is smuggled: $title', ({ wire }) => {
    expect(ourReading(wire).requests.filter(({ target }) => target.includes('smuggled '))).toEqual([]);
    expect(ourReading(wire).requests.filter(({ target }) => target === '/smuggled')).toEqual([]);
  });

  it('reach no handler as the request that is smuggled, over real sockets', async () => {
    const targets = await targetsOverSockets();
    expect(targets.length).toBeGreaterThan(50);
    expect(targets.filter((target) => target === '/smuggled')).toEqual([]);
  });

  it('are refused, or read exactly as Node.js reads them', async () => {
    const node = new NodeReader();
    for (const [title, ours, theirs] of await readBoth((wire) => node.read(wire))) {
      expect(ours, title).toEqual(theirs);
    }
  });

  it('are refused, or read exactly as nginx reads them', async (context) => {
    needsTool(context, 'nginx');
    const nginx = await NginxReader.start();
    for (const [title, ours, theirs] of await readBoth((wire) => nginx.read(wire))) {
      expect(ours, title).toEqual(theirs);
    }
  });
});
