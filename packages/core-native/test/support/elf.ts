/**
 * The dynamic symbol table of a 64-bit little-endian ELF file (elf(5)), which is all that Sluice is built for.
 *
 * Rule: reads what the dynamic linker reads, so that the test needs no binutils and cannot be fooled by other tables.
 */
import { readFileSync } from 'node:fs';

export interface DynamicSymbol {
  readonly name: string;
  /** Whether the file defines it; otherwise it expects it from another one. */
  readonly defined: boolean;
}

const SECTION_TYPE_DYNAMIC_SYMBOLS = 11;
const SECTION_TYPE_DYNAMIC = 6;
/** The low half of a symbol's `st_info`: a section, with neither a name nor anything that others could link to. */
const SYMBOL_TYPE_SECTION = 3;
const DYNAMIC_FLAGS = 30;
const DYNAMIC_FLAGS_1 = 0x6fff_fffb;

/** Flags of the dynamic section that the design asks for. */
export const FLAGS = { symbolic: 0x2, bindNow: 0x8 } as const;
export const FLAGS_1 = { now: 0x1, noDelete: 0x8 } as const;

interface Section {
  readonly type: number;
  readonly link: number;
  readonly offset: number;
  readonly size: number;
}

export function readElf(path: string) {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 6) !== '\x7fELF\x02\x01')
    throw new Error(`${path} is no 64-bit little-endian ELF file`);
  const sections = readSections(file);
  return { symbols: readSymbols(file, sections), ...readFlags(file, sections) };
}

function readSections(file: Buffer): Section[] {
  const table = Number(file.readBigUInt64LE(0x28));
  const entrySize = file.readUInt16LE(0x3a);
  return Array.from({ length: file.readUInt16LE(0x3c) }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: file.readUInt32LE(at + 4),
      link: file.readUInt32LE(at + 40),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
}

function readSymbols(file: Buffer, sections: readonly Section[]): DynamicSymbol[] {
  const table = sections.find((section) => section.type === SECTION_TYPE_DYNAMIC_SYMBOLS)!;
  const names = sections[table.link]!.offset;
  const symbols: DynamicSymbol[] = [];
  // The first entry is reserved; each has 24 bytes.
  for (let at = table.offset + 24; at < table.offset + table.size; at += 24) {
    // Some linkers for arm64 leave sections in this table.
    if ((file.readUInt8(at + 4) & 0xf) === SYMBOL_TYPE_SECTION) continue;
    const start = names + file.readUInt32LE(at);
    symbols.push({
      name: file.toString('latin1', start, file.indexOf(0, start)),
      defined: file.readUInt16LE(at + 6) !== 0,
    });
  }
  return symbols;
}

function readFlags(file: Buffer, sections: readonly Section[]): { flags: number; flags1: number } {
  const dynamic = sections.find((section) => section.type === SECTION_TYPE_DYNAMIC)!;
  const found = { flags: 0, flags1: 0 };
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = Number(file.readBigInt64LE(at));
    const value = Number(file.readBigUInt64LE(at + 8));
    if (tag === DYNAMIC_FLAGS) found.flags = value;
    if (tag === DYNAMIC_FLAGS_1) found.flags1 = value;
  }
  return found;
}
