import { describe, expect, it } from 'vitest';
import type { Pinning } from '../lib/pinning.ts';
import type { Case } from '../lib/suite.ts';
import { findTool } from '../lib/tools.ts';
import { bulk } from '../suites/bulk.ts';
import { caseWithCredentials } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

describe('a large body', () => {
  it.for(bulk.contenders.map((each) => [each.name, each] as const))(
    'by %s is the one that all give, over TLS 1.3',
    async ([, contender], { skip }) => {
      if (findTool('wrk') === undefined) return skip('wrk is not installed');
      await caseWithCredentials(async ({ credentials }) => {
        const each: Case = { name: 'tls, 1 MiB', credentials };
        const reason = await withServer(contender, each, async (server) => {
          // The suite compares the body before it measures.
          const sample = await bulk.measure(server, each, LOAD);
          expect(Object.keys(sample)).toEqual(bulk.metrics.map(({ name }) => name));
        });
        if (reason !== undefined) skip(reason);
      });
    },
  );
});
