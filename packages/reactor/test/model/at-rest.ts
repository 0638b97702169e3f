/**
 * What has to hold when no edge is due and nobody asks for a turn: nothing that could go on is waiting. This is where a
 * lost edge shows.
 */
import type { Actor, Stage } from './actor.ts';
import type { SimulatedKernel, SimulatedSockets } from './simulated-kernel.ts';

/** Complains of every connection that waits although it could go on. */
export function checkAtRest(
  actors: readonly Actor[],
  kernel: SimulatedKernel,
  sockets: SimulatedSockets,
  stage: Stage,
): void {
  for (const actor of actors) {
    const complain = (what: string) => stage.violate(`connection ${actor.wire.id} at rest: ${what}`);
    actor.model.checkDeadlines();
    if (actor.model.phase === 'new') checkOpening(actor, complain);
    else if (actor.model.isUpgrading) checkUpgrading(actor, complain);
    else if (actor.model.isHeld) {
      checkReading(actor, complain);
      checkWriting(actor, complain);
      checkEnd(actor, complain);
    } else if (!actor.socket.closed && actor.conn !== undefined) complain('its socket was not closed');
  }
  checkDescriptors(actors, kernel, sockets, stage);
}

function checkOpening({ model, socket }: Actor, complain: (what: string) => void): void {
  if (model.hasBegun && socket.couldOpen) complain('its handshake could go on (lost edge)');
}

function checkUpgrading(actor: Actor, complain: (what: string) => void): void {
  const { socket, wire } = actor;
  const owes = wire.taken < (wire.border ?? 0);
  if (owes ? socket.couldWrite : socket.couldOpen) complain('its upgrade could go on (lost edge)');
  if (actor.conn !== undefined) actor.compareQueue(actor.conn);
  checkEnd(actor, complain);
}

function checkReading({ model, socket, wire }: Actor, complain: (what: string) => void): void {
  if (!model.paused && socket.couldRead) complain('there is something to read (lost edge)');
  // What was read ahead for who has paused since is kept for it.
  if (model.phase === 'open' && !model.paused && wire.delivered !== wire.read)
    complain('something that was read was not delivered');
  if (model.phase === 'open' && !model.paused && model.inbound.hasAhead)
    complain('something that was given back, or handed over, was not delivered');
}

function checkWriting(actor: Actor, complain: (what: string) => void): void {
  const { conn, model, socket, wire } = actor;
  if (conn === undefined) return;
  if (wire.owes && socket.couldWrite && !wire.waitsForDisk)
    complain(`there is something to send: ${wire.queued} bytes (lost edge)`);
  actor.compareQueue(conn);
  for (const { to, answer } of wire.files)
    if (to <= wire.taken && answer === undefined) complain('a file has left and its promise was not settled');
  if (model.phase !== 'open' || wire.writeFailed) return;
  if (conn.needsDrain !== model.owedDrain) complain(`needsDrain is ${conn.needsDrain}`);
  if (model.isDrainDue) complain('onDrain was not told');
  if (model.isFinishDue) complain('onFinish was not told');
}

function checkEnd({ model, wire }: Actor, complain: (what: string) => void): void {
  if (model.isShutdownDue) complain('onShutdown was not told');
  if (model.leaving !== undefined) complain(`it should have closed with ${model.leaving.reason}`);
  if (model.isEndDue) complain('onEnd was not told');
  const isAwaited = model.paused && !model.inbound.endSeen;
  if (wire.endTold && wire.outEnded && !isAwaited) complain('both sides have ended and it is not closed');
  if (wire.failureTold || wire.writeFailed) complain('its transport failed and it is not closed');
}

function checkDescriptors(
  actors: readonly Actor[],
  kernel: SimulatedKernel,
  sockets: SimulatedSockets,
  stage: Stage,
): void {
  const live = actors.filter(({ model }) => !model.isOver).map(({ socket }) => socket);
  for (const [fd, what] of sockets.open) {
    if (what !== 'reserve' && !kernel.registered.has(fd))
      stage.violate(`descriptor ${fd} is open and not registered`);
    if (typeof what === 'string') continue;
    if (!live.includes(what)) stage.violate(`descriptor ${fd} is open and its connection is over`);
    if (kernel.isWritableArmed(fd) && !what.wantsWritable)
      stage.violate(`descriptor ${fd} is armed and nothing is blocked`);
  }
  for (const fd of kernel.registered.keys()) {
    if (!sockets.open.has(fd)) stage.violate(`descriptor ${fd} is registered and closed`);
  }
}
