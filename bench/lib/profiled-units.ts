/**
 * The unit of work of each suite that is profiled, as a client that does one at a time.
 *
 * Rule: each is a case of its suite, served by the suite's own server.
 */
import {
  type CountedServer,
  fullHandshake,
  message,
  request,
  resumedHandshake,
  type Unit,
  type UnitPlan,
} from '@sluice-internal/unit-counts';
import { SERVED_NAME } from './served-folder.ts';

export interface ProfiledUnit {
  /** Of the suite. */
  readonly case: string;
  readonly plan: UnitPlan;
  open(server: CountedServer): Unit | Promise<Unit>;
}

const EXCHANGES: UnitPlan = { warmUp: 10_000, units: 500, windows: 5 };
const HANDSHAKES: UnitPlan = { warmUp: 2_000, units: 50, windows: 5 };
const LARGE: UnitPlan = { warmUp: 2_500, units: 20, windows: 5 };

export const PROFILED_UNITS: Readonly<Record<string, readonly ProfiledUnit[]>> = {
  http: [{ case: 'plain, 1 connection', plan: EXCHANGES, open: (server) => request(server) }],
  https: [{ case: 'tls, 1 connection', plan: EXCHANGES, open: (server) => request(server, '/', true) }],
  handshake: [
    { case: 'TLS 1.3, P-256', plan: HANDSHAKES, open: fullHandshake },
    { case: 'TLS 1.3, resumed', plan: HANDSHAKES, open: resumedHandshake },
  ],
  echo: [
    { case: 'plain, 64 B', plan: EXCHANGES, open: (server) => message(server, 64) },
    { case: 'tls, 64 B', plan: EXCHANGES, open: (server) => message(server, 64, true) },
  ],
  bulk: [{ case: 'tls, 1 MiB', plan: LARGE, open: (server) => request(server, `/${SERVED_NAME}`, true) }],
  file: [
    { case: 'plain', plan: LARGE, open: (server) => request(server, `/${SERVED_NAME}`) },
    { case: 'tls', plan: LARGE, open: (server) => request(server, `/${SERVED_NAME}`, true) },
  ],
};
