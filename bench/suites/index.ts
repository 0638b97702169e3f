/** Every suite, in the order in which they are measured and reported. */
import type { Suite } from '../lib/suite.ts';
import { bulk } from './bulk.ts';
import { crowd } from './crowd.ts';
import { echo } from './echo.ts';
import { fairness } from './fairness.ts';
import { fanout } from './fanout.ts';
import { file } from './file.ts';
import { handshake } from './handshake.ts';
import { http, https } from './http.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { redis } from './redis.ts';
import { reload } from './reload.ts';
import { stalled } from './stalled.ts';
import { storm } from './storm.ts';

export const SUITES: readonly Suite[] = [
  http,
  https,
  handshake,
  echo,
  bulk,
  file,
  idle,
  crowd,
  latency,
  fanout,
  redis,
  fairness,
  storm,
  stalled,
  reload,
];
