// Set-up of each test file in a run with sanitizers: after its last test nothing that has to be closed is open, descriptors
// above all. AddressSanitizer sees lost memory only, neither what is still held nor what is not memory.
// Contexts are not among them: they have no close(), and a variable of the file may hold one until its process ends.
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect } from 'vitest';

const native = createRequire(import.meta.url)(process.env.SLUICE_ADDON);
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

afterAll(async () => {
  // Finalizers run from the event loop, and one may free what another object was held by.
  for (let round = 0; round < 4; round += 1) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(native.liveObjects()).toMatchObject({ epolls: 0, tlsSessions: 0, descriptors: 0 });
});
