/** Whether a load program has the receive buffers that a suite says it has. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fixedReceiveBuffers, RECEIVE_BUFFER_BYTES } from '../lib/receive-buffers.ts';

/** UDP, for Node tells the buffer of no other socket; what is connected is treated alike. */
const TELL = `const socket = require('node:dgram').createSocket('udp4');
socket.connect(9, '127.0.0.1', () => { console.log(socket.getRecvBufferSize()); socket.close(); });`;

const told = (env: Record<string, string>) =>
  Number(execFileSync(process.execPath, ['-e', TELL], { env: { ...process.env, ...env } }).toString());

test('a program that connects has twice what was asked for, as socket(7) says', () => {
  const most = Number(readFileSync('/proc/sys/net/core/rmem_max', 'latin1'));
  const wanted = 2 * Math.min(most, RECEIVE_BUFFER_BYTES);
  expect(told(fixedReceiveBuffers())).toBe(wanted);
  expect(told({})).not.toBe(wanted);
});

test('a program that is not told a size ends, and measures nothing', () => {
  const { LD_PRELOAD } = fixedReceiveBuffers();
  expect(() => told({ LD_PRELOAD, RECEIVE_BUFFER_BYTES: 'many' })).toThrow();
});
