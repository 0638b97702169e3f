import { fstatSync, readSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Connection, Protocol } from '../../src/index.ts';
import { type ProtocolScript, testPoller, testProtocol, testTransport } from '../../src/testing/index.ts';
import { type Progress, Status, type TransportFailure } from '../../src/transport.ts';
import { failuresOf } from './failures-of.ts';
import { inMemory, MemoryTransport } from './memory-pair.ts';
import { DrivenPoller, simulatedDriver } from './simulated-driver.ts';

describe('testPoller complains of a poller that', () => {
  const failures = async (poller: new () => DrivenPoller, part: string) => {
    const create = () => simulatedDriver(new poller());
    return (await failuresOf((run) => testPoller({ test: run, create }), part)).join('\n');
  };

  test('reports over and over what it has reported', async () => {
    class LevelTriggered extends DrivenPoller {
      override run(): void {
        for (const fd of this.registered.keys()) this.poll(fd);
        super.run();
      }
    }
    expect(await failures(LevelTriggered, 'an edge is reported once')).toMatch(
      /nothing has changed and something was reported/,
    );
  });

  test('does not report what is ready when it is added', async () => {
    class BlindAdd extends DrivenPoller {
      override polls = (call: 'add' | 'modify') => call !== 'add';
    }
    expect(await failures(BlindAdd, 'when it is added')).toMatch(/what was there before was not reported/);
  });

  test('P12 does not report what is ready when the interest changes', async () => {
    class BlindModify extends DrivenPoller {
      override polls = (call: 'add' | 'modify') => call !== 'modify';
    }
    expect(await failures(BlindModify, 'P12')).toMatch(/the room that was there was not reported/);
  });

  test('remembers who was removed', async () => {
    class Forgetless extends DrivenPoller {
      override remove(): void {}

      override add(fd: number, slot: number, generation: number, interest: number): void {
        this.registered.delete(fd);
        super.add(fd, slot, generation, interest);
      }
    }
    expect(await failures(Forgetless, 'who was removed')).toMatch(/./);
  });

  test('mixes up generations', async () => {
    class Mixing extends DrivenPoller {
      override add(fd: number, slot: number, _generation: number, interest: number): void {
        super.add(fd, slot, 0, interest);
      }
    }
    expect(await failures(Mixing, 'slot and generation')).toMatch(/generation 2147483647 was not reported/);
  });

  test('P8 forgets a wake, or does it at once', async () => {
    class Sleepy extends DrivenPoller {
      override wake(): void {}
    }
    class Hasty extends DrivenPoller {
      override wake(): void {
        super.wake();
        this.turn();
      }
    }
    expect(await failures(Sleepy, 'P8')).toMatch(/a wake was not reported/);
    expect(await failures(Hasty, 'P8')).toMatch(/it was called at once/);
  });

  test('P14 loses what a batch does not hold', async () => {
    class Losing extends DrivenPoller {
      override run(): void {
        super.run();
        for (const descriptor of this.descriptors.values()) descriptor.edges = 0;
      }
    }
    expect(await failures(Losing, 'P14')).toMatch(/one of 71 descriptors was not reported/);
  });

  test('calls after its close', async () => {
    class Undead extends DrivenPoller {
      override close(): void {}
    }
    expect(await failures(Undead, 'after a close')).toMatch(/./);
  });
});

describe('testTransport', () => {
  test('has nothing to say against a good one', async () => {
    expect(await failuresOf((run) => testTransport({ test: run, open: inMemory() }))).toEqual([]);
  });

  type Broken = new (...of: ConstructorParameters<typeof MemoryTransport>) => MemoryTransport;
  const complaints = async (make: Broken, part: string, limitMs = 50) => {
    const open = inMemory((incoming, outgoing) => new make(incoming, outgoing), limitMs);
    return (await failuresOf((run) => testTransport({ test: run, open }), part)).join('\n');
  };

  test('complains of one that loses a byte', async () => {
    class Losing extends MemoryTransport {
      override write(bytes: Uint8Array, offset: number, length: number): Progress {
        const progress = super.write(bytes, offset, length > 1 ? length - 1 : length);
        return progress > 1 ? progress + 1 : progress;
      }
    }
    expect(await complaints(Losing, 'brings what was written')).toMatch(
      /it wants to read, and nothing comes/,
    );
  });

  test('complains of one that ignores the offset', async () => {
    class Offsetless extends MemoryTransport {
      override write(bytes: Uint8Array, _offset: number, length: number): Progress {
        return super.write(bytes, 0, length);
      }
    }
    expect(await complaints(Offsetless, 'between offset')).toMatch(/'xx-th\\.'|xx-th/);
  });

  test('complains of one that keeps the memory it was given', async () => {
    class Keeping extends MemoryTransport {
      override write(bytes: Uint8Array, offset: number, length: number): Progress {
        this.out.put(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length));
        return length;
      }
    }
    expect(await complaints(Keeping, 'keeps nothing')).toMatch(/!!!!/);
  });

  test('P17 complains of one that wants the same memory again', async () => {
    class Pinning extends MemoryTransport {
      private pinned: { readonly memory: ArrayBufferLike; readonly address: number } | undefined;

      override write(bytes: Uint8Array, offset: number, length: number): Progress {
        const { pinned } = this;
        const address = bytes.byteOffset + offset;
        const moved = pinned !== undefined && (pinned.memory !== bytes.buffer || pinned.address !== address);
        if (moved) throw new Error('the memory has moved');
        const progress = super.write(bytes, offset, length);
        this.pinned = progress === Status.wantsWrite ? { memory: bytes.buffer, address } : undefined;
        return progress;
      }
    }
    expect(await complaints(Pinning, 'from other memory')).toMatch(/the memory has moved/);
  });

  test('complains of one that says too early that it ran dry', async () => {
    class Dry extends MemoryTransport {
      override read(buffer: Uint8Array): Progress {
        const progress = super.read(buffer);
        this.drained = progress > 0;
        return progress;
      }
    }
    expect(await complaints(Dry, 'ran dry')).toMatch(
      /it said that it ran dry, and the next read answered 1024/,
    );
  });

  test('P2 complains of one whose end overtakes its data', async () => {
    class Overtaking extends MemoryTransport {
      override read(buffer: Uint8Array): Progress {
        return this.in.ended ? Status.ended : super.read(buffer);
      }
    }
    expect(await complaints(Overtaking, 'P28')).toMatch(/./);
  });

  test('P26 complains of one that takes a cut for an end, and of one that calls everything an error', async () => {
    class Trusting extends MemoryTransport {
      override read(buffer: Uint8Array): Progress {
        const progress = super.read(buffer);
        return progress === Status.failed && this.in.cut ? Status.ended : progress;
      }
    }
    class Vague extends MemoryTransport {
      override failure(): TransportFailure {
        return { ...super.failure(), reason: 'error' };
      }
    }
    expect(await complaints(Trusting, 'P26')).toMatch(/./);
    expect(await complaints(Vague, 'reason reset')).toMatch(/'error'/);
  });

  describe('that sends files', () => {
    class Sending extends MemoryTransport {
      sendFile(file: number, offset: number, length: number): Progress {
        if (this.broken) return Status.failed;
        if (fstatSync(file).isDirectory()) return this.refuse();
        const bytes = Buffer.alloc(Math.min(length, this.out.room));
        const count = this.out.room === 0 ? 0 : readSync(file, bytes, 0, bytes.length, offset);
        if (this.out.room === 0) return Status.wantsWrite;
        this.out.put(bytes.subarray(0, count));
        return count;
      }

      protected isFile = false;
      private refuse(): Progress {
        this.isFile = true;
        return Status.failed;
      }

      override failure(): TransportFailure {
        return { ...super.failure(), isFile: this.isFile };
      }
    }

    test('has nothing to say against a good one', async () => {
      // As long as anybody else's: that nothing came in time says something of the machine, too.
      expect(await complaints(Sending, 'file', 10_000)).toBe('');
    });

    test('complains of one that ignores the offset', async () => {
      class Offsetless extends Sending {
        override sendFile(file: number, _offset: number, length: number): Progress {
          return super.sendFile(file, 0, length);
        }
      }
      expect(await complaints(Offsetless, 'its place among writes')).toMatch(
        /the bytes are not those of the file/,
      );
    });

    test('P42 complains of one that takes the end of a file for its own', async () => {
      class Ending extends Sending {
        override sendFile(file: number, offset: number, length: number): Progress {
          const progress = super.sendFile(file, offset, length);
          return progress === 0 ? Status.ended : progress;
        }
      }
      expect(await complaints(Ending, 'where the file ends')).toMatch(/-3/);
    });

    test('complains of one that blames the connection for a file', async () => {
      class Blaming extends Sending {
        override failure(): TransportFailure {
          return { ...super.failure(), isFile: false };
        }
      }
      expect(await complaints(Blaming, 'it is the file')).toMatch(/the failure has isFile/);
    });
  });

  test('complains of one that does not release what it holds', async () => {
    class Clinging extends MemoryTransport {
      override close(): void {}
    }
    expect(await complaints(Clinging, 'blocked write')).toMatch(/./);
  });
});

/** Answers each line with its length. */
class Lengths implements Protocol<{ rest: string }> {
  onOpen(_conn: Connection<{ rest: string }>): { rest: string } {
    return { rest: '' };
  }

  onData(conn: Connection<{ rest: string }>, chunk: Buffer): void {
    const lines = (conn.state.rest + chunk).split('\n');
    conn.state.rest = lines.pop() ?? '';
    for (const line of lines) if (!conn.write(`${line.length}\n`)) conn.pause();
  }

  onDrain(conn: Connection<{ rest: string }>): void {
    conn.resume();
  }

  onEnd(conn: Connection<{ rest: string }>): void {
    conn.end(`${conn.state.rest.length} left\n`);
  }
}

describe('testProtocol', () => {
  const scripts: readonly ProtocolScript[] = [
    { name: 'lines', input: 'one\nthree\n\nre', output: '3\n5\n0\n2 left\n' },
  ];
  const complaints = async <State>(protocol: () => Protocol<State>, part = '', of = scripts) =>
    (await failuresOf((run) => testProtocol({ test: run, protocol, scripts: of }), part)).join('\n');

  test('has nothing to say against a good one', async () => {
    expect(await complaints(() => new Lengths())).toBe('');
  });

  test('complains of one that takes a chunk for a line', async () => {
    class Chunky extends Lengths {
      override onData(conn: Connection<{ rest: string }>, chunk: Buffer): void {
        for (const line of String(chunk).split('\n').slice(0, -1)) conn.write(`${line.length}\n`);
        conn.state.rest = String(chunk).split('\n').at(-1) ?? '';
      }
    }
    expect(await complaints(() => new Chunky(), 'cut in two')).toMatch(/another answer cut at 1\n/);
  });

  test('names what is wrong with one that keeps what it was lent', async () => {
    class Keeping implements Protocol<{ chunks: Buffer[] }> {
      onOpen(): { chunks: Buffer[] } {
        return { chunks: [] };
      }

      onData(conn: Connection<{ chunks: Buffer[] }>, chunk: Buffer): void {
        conn.state.chunks.push(conn.state.chunks.length === 0 ? Buffer.from(chunk) : chunk);
      }

      onEnd(conn: Connection<{ chunks: Buffer[] }>): void {
        conn.end(Buffer.concat(conn.state.chunks));
      }
    }
    const words = [{ name: 'words', input: 'some words' }];
    expect(await complaints(() => new Keeping(), 'cut in two', words)).toMatch(
      /the protocol keeps the chunk that onData lent it: copy what is kept \(Buffer\.from\(chunk\)\)/,
    );
  });

  test('complains of one that keeps the state of a connection for all', async () => {
    const shared = { rest: '' };
    class Sharing extends Lengths {
      override onOpen(): { rest: string } {
        return shared;
      }
    }
    expect(await complaints(() => new Sharing(), 'two connections')).toMatch(
      /another answer beside another connection/,
    );
  });

  test('complains of one that never resumes', async () => {
    class Stuck extends Lengths {
      override onDrain(): void {}
    }
    expect(await complaints(() => new Stuck(), 'every write answering false')).toMatch(/./);
  });

  test('complains of one that throws at a half-close in the middle', async () => {
    class Throwing extends Lengths {
      override onEnd(conn: Connection<{ rest: string }>): void {
        if (conn.state.rest === 'thr') throw new Error('half a line');
        super.onEnd(conn);
      }
    }
    expect(await complaints(() => new Throwing(), 'half-closed after every prefix')).toMatch(
      /a hook threw half-closed after 7 bytes: Error: half a line/,
    );
  });

  test('complains of one that throws when a connection breaks', async () => {
    class Throwing extends Lengths {
      onClose(_conn: Connection<{ rest: string }>, reason: string): void {
        if (reason === 'reset') throw new Error('I did not expect that');
      }
    }
    expect(await complaints(() => new Throwing(), 'reset after every prefix')).toMatch(
      /a hook threw reset after 0 bytes: Error: I did not expect that/,
    );
  });

  test('complains of one that never leaves', async () => {
    class Staying extends Lengths {
      override onEnd(): void {}
      onTimeout(): boolean {
        return true;
      }
    }
    expect(await complaints(() => new Staying(), 'half-closed after every prefix')).toMatch(
      /still open half-closed after 0 bytes/,
    );
  });

  test('complains of one that answers later and forgets it at the end', async () => {
    class Forgetful extends Lengths {
      override onData(conn: Connection<{ rest: string }>, chunk: Buffer): void {
        const text = String(chunk);
        setImmediate(() => super.onData(conn, Buffer.from(text)));
      }
    }
    expect(await complaints(() => new Forgetful(), 'with the end at its heels')).toMatch(
      /another answer with the end in the same event/,
    );
  });
});
