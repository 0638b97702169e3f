/** What has to add up: what the reactor counts, who waits outside, and what is left at the end. */
import type { Actor } from './actor.ts';
import type { World } from './world.ts';

export function checkCounts(world: World): void {
  const live = world.actors.filter(({ model }) => !model.isOver && model.hasBegun);
  const accepted = live.filter(({ outgoing }) => !outgoing);
  const { connections, queuedBytes, bytesReceived, bytesSent } = world.reactor.stats();
  const sum = (of: (actor: Actor) => number) => world.actors.reduce((total, actor) => total + of(actor), 0);
  const queued = sum(({ model, wire }) => (model.isOver ? 0 : wire.queued));
  if (queuedBytes !== queued) world.violate(`${queuedBytes} queued bytes are counted, not ${queued}`);
  if (bytesReceived !== sum(({ wire }) => wire.read + wire.putBack)) world.violate('bytesReceived is wrong');
  if (bytesSent !== sum(({ wire }) => wire.taken)) world.violate('bytesSent is wrong');
  if (connections !== live.length)
    world.violate(`${connections} connections are counted, not ${live.length}`);
  if (world.server?.connections !== accepted.length) {
    world.violate(`the server counts ${world.server?.connections} connections, not ${accepted.length}`);
  }
  if (world.sockets.waiting.length > 0 && mayAccept(world, accepted)) {
    world.violate('somebody waits in the backlog and there is room (lost edge)');
  }
}

export function checkNothingIsLeft(world: World): void {
  const { disk } = world;
  if (disk.waiting > 0 || disk.opened.size > 0) world.violate(`${disk.opened.size} files are left open`);
  if (world.reactor.stats().fileBufferBytes > 0) world.violate('memory of files is held and nobody is left');
  for (const { answer } of world.actors.flatMap(({ wire }) => wire.files))
    if (answer === undefined) world.violate('the promise of a file was never settled');
  if (world.kernel.registered.size > 0)
    world.violate(`${world.kernel.registered.size} registrations are left`);
  if (world.sockets.open.size > 0) world.violate(`${world.sockets.open.size} descriptors are left`);
  if (world.clock.pending > 0) world.violate('a timer runs although nobody is left');
  for (const { outgoing, connectAnswer } of world.actors) {
    if (outgoing && connectAnswer === undefined) world.violate('connect was never answered');
  }
}

function mayAccept(world: World, accepted: readonly Actor[]): boolean {
  const { maxConnections, maxHandshakes } = world.limits;
  const handshakes = accepted.filter(({ model }) => model.phase === 'new' || model.isUpgrading).length;
  if (world.serverState === 'paused' || handshakes >= maxHandshakes) return false;
  if (maxConnections > 0 && accepted.length >= maxConnections) return false;
  const what = [...world.sockets.open.values()];
  return what.includes('reserve') || what.length < world.sockets.most;
}
