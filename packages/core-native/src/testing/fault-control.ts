/**
 * The hand on the switch: seed, rates and counts of the processes that run under one control file, this one or others.
 *
 * Rule: a new seed is the last thing written, so that nobody draws from a new seed with old rates.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { CONTROL_BYTES, COUNTS_OFFSET, MAGIC, OFFSET, RATES_OFFSET, VERSION } from './control-layout.ts';
import { FaultInjectionError } from './errors.ts';
import { FAULTS, type Fault, type FaultRates } from './faults.ts';

const MOST = 0xffff_ffff;

/** Steers the processes that run under one control file, and counts what struck them. */
export class FaultControl {
  /** The control file. */
  readonly path: string;
  private readonly fd: number;

  /** Opens a control file that {@link faultInjection} made. Throws `FaultInjectionError` `ERR_FAULTS_CONTROL`. */
  constructor(path: string) {
    this.path = path;
    try {
      this.fd = openSync(path, 'r+');
    } catch (cause) {
      throw new FaultInjectionError('ERR_FAULTS_CONTROL', notAControlFile(path), { cause });
    }
    const header = this.read(OFFSET.magic, 12);
    const found = [header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8)];
    if (found[0] === MAGIC && found[1] === VERSION && found[2] === FAULTS.length) return;
    closeSync(this.fd);
    throw new FaultInjectionError('ERR_FAULTS_CONTROL', notAControlFile(path));
  }

  /** That of this process, when it was started under fault injection. */
  static ofThisProcess(environment: NodeJS.ProcessEnv = process.env): FaultControl | undefined {
    const path = environment['SLUICE_FAULTS'];
    return path === undefined || path === '' ? undefined : new FaultControl(path);
  }

  /** Begins the schedule of `seed` on all descriptors; without `rates` they stay as they are. Counts go on. */
  reseed(seed: number, rates?: FaultRates): void {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new FaultInjectionError(
        'ERR_FAULTS_OPTION',
        `seed must be a whole number of 0 or more; received ${seed}.`,
      );
    }
    if (rates !== undefined) this.write(RATES_OFFSET, ratesAsBytes(rates));
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(seed));
    this.write(OFFSET.seed, bytes);
    this.writeUint32(OFFSET.epoch, this.readUint32(OFFSET.epoch) + 1);
  }

  /** The seed that is under way. */
  get seed(): number {
    return Number(this.read(OFFSET.seed, 8).readBigUInt64LE());
  }

  /** From now on faults strike, by the rates that are set. */
  enable(): void {
    this.writeUint32(OFFSET.enabled, 1);
  }

  /** From now on every call goes through. Registrations are noted all the same: it may be enabled at any time. */
  disable(): void {
    this.writeUint32(OFFSET.enabled, 0);
  }

  /** Processes that have loaded the addon under this file. 0 means that nothing was ever injected. */
  get attached(): number {
    return this.readUint32(OFFSET.attached);
  }

  /** How often each fault was injected, and made a difference, since the file was made. */
  counts(): Record<Fault, number> {
    const bytes = this.read(COUNTS_OFFSET, 8 * FAULTS.length);
    const entries = FAULTS.map((fault, index) => [fault, Number(bytes.readBigUInt64LE(8 * index))]);
    return Object.fromEntries(entries) as Record<Fault, number>;
  }

  /** Lets go of the file; the processes under it go on. */
  close(): void {
    closeSync(this.fd);
  }

  private read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.fd, bytes, 0, length, offset);
    return bytes;
  }

  private write(offset: number, bytes: Buffer): void {
    writeSync(this.fd, bytes, 0, bytes.length, offset);
  }

  private readUint32(offset: number): number {
    return this.read(offset, 4).readUInt32LE();
  }

  private writeUint32(offset: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.write(offset, bytes);
  }
}

/** A fresh control file's content: enabled, all rates 0. */
export function blankControl(): Buffer {
  const bytes = Buffer.alloc(CONTROL_BYTES);
  bytes.writeUInt32LE(MAGIC, OFFSET.magic);
  bytes.writeUInt32LE(VERSION, OFFSET.version);
  bytes.writeUInt32LE(FAULTS.length, OFFSET.faultCount);
  bytes.writeUInt32LE(1, OFFSET.enabled);
  return bytes;
}

function ratesAsBytes(rates: FaultRates): Buffer {
  const unknown = Object.keys(rates).find((name) => !FAULTS.includes(name as Fault));
  if (unknown !== undefined) {
    throw new FaultInjectionError(
      'ERR_FAULTS_OPTION',
      `There is no fault '${unknown}'. There are ${FAULTS.join(', ')}.`,
    );
  }
  const bytes = Buffer.alloc(4 * FAULTS.length);
  for (const [index, fault] of FAULTS.entries()) {
    const rate = rates[fault] ?? 0;
    if (!(rate >= 0 && rate <= 1)) {
      throw new FaultInjectionError(
        'ERR_FAULTS_OPTION',
        `The rate of '${fault}' must be a number from 0 (never) to 1 (always); received ${rate}.`,
      );
    }
    bytes.writeUInt32LE(Math.round(rate * MOST), 4 * index);
  }
  return bytes;
}

function notAControlFile(path: string): string {
  return `${path} is not a control file of this version. Make one, and the environment that names it, with faultInjection().`;
}
