/**
 * Plays one schedule from the first connection to the last descriptor, and stops at the first violation.
 *
 * Rule: whatever the schedule has left behind, its ending brings every connection to its end.
 */
import type { Actor } from './actor.ts';
import { checkNothingIsLeft } from './counts.ts';
import type { Ending, Schedule, Step } from './schedule.ts';
import { World } from './world.ts';

/** Everybody once, three steps of a handshake, and those who had to wait outside for a place. */
const MOST_ROUNDS = 30;
/** Longer than any deadline of a schedule that is to end in silence. */
const SILENCE_MS = 30_000;

export class Play {
  private readonly schedule: Schedule;
  private readonly world: World;

  constructor(schedule: Schedule) {
    this.schedule = schedule;
    this.world = new World(schedule);
  }

  /** From the first connection to the last descriptor. */
  async run(): Promise<void> {
    await this.world.open();
    this.world.offer(this.schedule.first);
    await this.world.rest();
    for (const step of this.schedule.steps) await this.take(step);
    await this.world.rest();
    await this.finish(this.schedule.ending);
  }

  private async take(step: Step): Promise<void> {
    switch (step.step) {
      case 'accept':
        this.world.offer(step.traits);
        break;
      case 'connect':
        await this.world.connect(step.traits);
        break;
      case 'aborted accept':
        this.world.comeTo('ECONNABORTED');
        break;
      case 'pause server':
      case 'resume server':
        this.world.pauseServer(step.step === 'pause server');
        break;
      case 'deed':
        this.world.actors[step.deed.to % this.world.actors.length]?.apply(step.deed.what);
        break;
      case 'kernel':
        this.world.kernel.run(step.most);
        break;
      case 'burst':
        for (const actor of this.world.actors) actor.apply({ peer: 'sends', bytes: step.bytes });
        this.world.kernel.run();
        break;
      case 'disk':
        for (let left = step.most; left > 0 && this.world.disk.answer(); ) left -= 1;
        break;
      case 'rest':
        return this.world.rest();
      case 'time':
        return this.world.pass(step.ms);
      case 'spurious':
        this.world.spurious(step.to, step.bits);
        break;
      case 'stale':
        this.world.stale(step.to, step.bits);
        break;
      case 'close server':
        this.world.closeServer(step.deadlineMs);
        break;
      case 'shutdown':
        this.world.shutdown(step.deadlineMs);
    }
    await this.world.microtasks();
  }

  private async finish(ending: Ending): Promise<void> {
    this.world.calm = true;
    this.world.pauseServer(false);
    for (
      let round = 0;
      round < MOST_ROUNDS && this.world.actors.some(({ model }) => !model.isOver);
      round += 1
    ) {
      for (const actor of this.world.actors) if (!actor.model.isOver) this.bringToEnd(actor, ending);
      if (ending === 'shutdown') this.world.shutdown(SILENCE_MS);
      await (ending === 'silence' || ending === 'shutdown' ? this.world.pass(SILENCE_MS) : this.world.rest());
    }
    for (const { model, wire } of this.world.actors) {
      if (!model.isOver)
        this.world.violate(`connection ${wire.id} is ${model.phase} after the end: ${ending}`);
    }
    this.world.judge();
    this.world.closeServer(SILENCE_MS);
    await this.world.pass(200);
    if (this.world.endsCome !== this.world.endsAsked)
      this.world.violate('a shutdown has not ended although nobody is left');
    checkNothingIsLeft(this.world);
    this.world.judge();
  }

  private bringToEnd(actor: Actor, ending: Ending): void {
    if (ending === 'shutdown') {
      // Who heard of the shutdown before, and made nothing of it, is to leave now.
      if (this.world.shutDown) actor.apply({ verb: 'close', deadlineMs: 700 });
      return;
    }
    if (ending === 'resets') {
      actor.apply({ peer: 'refuses' });
      actor.apply({ peer: 'connects' });
      actor.apply({ peer: 'settles' });
      actor.apply({ peer: 'resets' });
      actor.apply({ verb: 'resume' });
      actor.apply({ verb: 'end', bytes: 0 });
    } else if (ending === 'destroys') {
      actor.apply({ verb: 'destroy', withError: false });
      if (actor.conn === undefined) this.bringToEnd(actor, 'resets');
    } else if (ending === 'silence') {
      actor.apply({ verb: 'timeouts', name: 'idleTimeoutMs', ms: 900 });
    } else {
      for (const peer of ['connects', 'settles', 'flight', 'answers', 'ends'] as const) actor.apply({ peer });
      actor.apply({ peer: 'reads', bytes: 10_000_000 });
      actor.apply({ verb: 'resume' });
      actor.apply({ verb: 'end', bytes: 0 });
    }
  }
}
