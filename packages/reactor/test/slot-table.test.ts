import { expect, test } from 'vitest';
import { SlotTable } from '../src/slot-table.ts';

test('P6 a released slot answers nobody to the old generation, also after it is taken again', () => {
  const table = new SlotTable<string>();
  const old = table.acquire();
  table.fill(old.slot, 'first');
  expect(table.lookup(old.slot, old.generation)).toBe('first');
  table.release(old.slot);
  expect(table.lookup(old.slot, old.generation)).toBeUndefined();
  const next = table.acquire();
  table.fill(next.slot, 'second');
  expect(next.slot).toBe(old.slot);
  expect(table.lookup(old.slot, old.generation)).toBeUndefined();
  expect(table.lookup(next.slot, next.generation)).toBe('second');
});

test('a slot that was never taken answers nobody', () => {
  expect(new SlotTable<string>().lookup(7, 0)).toBeUndefined();
});

test('the generation wraps around within what the event table and the native border take', () => {
  const table = new SlotTable<string>();
  const { slot } = table.acquire();
  (table as unknown as { generations: number[] }).generations[slot] = 0x7fff_ffff;
  table.release(slot);
  const { generation } = table.acquire();
  expect(generation).toBe(0);
});

test('slots are reused before new ones are made', () => {
  const table = new SlotTable<string>();
  for (let i = 0; i < 100; i += 1) {
    const { slot } = table.acquire();
    table.fill(slot, 'x');
    table.release(slot);
    expect(slot).toBe(0);
  }
  expect(table.size).toBe(0);
});
