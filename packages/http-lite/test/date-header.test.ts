import { afterEach, expect, it, vi } from 'vitest';
import { dateLine, okHeadStart } from '../src/response/date-header.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('the Date line is made once a second, and its timer exists only after an answer', () => {
  vi.useFakeTimers({ now: Date.UTC(2030, 0, 1, 0, 0, 0, 400) });
  expect(dateLine()).toBe('Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n');
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(599);
  expect(dateLine()).toBe('Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n');
  vi.advanceTimersByTime(1);
  expect(vi.getTimerCount()).toBe(0);
  expect(okHeadStart()).toBe('HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2030 00:00:01 GMT\r\n');
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
});

it('the timer of the Date line does not keep the process alive', () => {
  const unref = vi.spyOn(Object.getPrototypeOf(setTimeout(() => {}, 0)), 'unref');
  dateLine();
  expect(unref).toHaveBeenCalledTimes(1);
  unref.mockRestore();
});
