/**
 * A chat room: every line that somebody sends goes to everybody else, in all workers.
 *
 *   npm run example -- chat --port 7001
 *   nc 127.0.0.1 7001
 */
import { BroadcastChannel } from 'node:worker_threads';
import { type Connection, createReactor, type Protocol } from '@sluice/reactor';
import { serve } from './shared/serve.ts';
import { serverSettings } from './shared/server-settings.ts';

/** Somebody in the room: what they have typed of a line that is not complete yet. */
interface Member {
  unfinished: string;
}

const MAX_LINE_CHARACTERS = 4096;

const members = new Set<Connection<Member>>();
const otherWorkers = new BroadcastChannel('chat');
otherWorkers.onmessage = (message) => sendToAll((message as { data: string }).data);
otherWorkers.unref();

const chat: Protocol<Member> = {
  onOpen(conn) {
    say(`* ${conn.id} joined`);
    members.add(conn);
    conn.write(`* you are ${conn.id}, ${members.size} here\n`);
    return { unfinished: '' };
  },

  onData(conn, chunk) {
    const lines = (conn.state.unfinished + chunk.toString('utf8')).split('\n');
    conn.state.unfinished = lines.pop() ?? '';
    for (const line of lines) say(`${conn.id}: ${line.trimEnd()}`, conn);
    if (conn.state.unfinished.length > MAX_LINE_CHARACTERS) conn.destroy(new Error('line too long'));
  },

  onClose(conn) {
    if (members.delete(conn)) say(`* ${conn.id} left`);
  },
};

function say(line: string, except?: Connection<Member>): void {
  sendToAll(line, except);
  otherWorkers.postMessage(line);
}

/** One copy of the bytes for everybody: they are shared, not copied, until the last one has them. */
function sendToAll(line: string, except?: Connection<Member>): void {
  const bytes = Buffer.from(`${line}\n`);
  for (const member of members) if (member !== except) member.writeShared(bytes);
}

const settings = await serverSettings();
const reactor = createReactor();
await serve(reactor, reactor.listen(settings, chat));
