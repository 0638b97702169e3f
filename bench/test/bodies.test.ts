import { describe, expect, it } from 'vitest';
import type { Pinning } from '../lib/pinning.ts';
import type { Case } from '../lib/suite.ts';
import { findTool } from '../lib/tools.ts';
import { bulk } from '../suites/bulk.ts';
import { file } from '../suites/file.ts';
import { caseWithCredentials, PLAIN } from './support/cases.ts';
import { withServer } from './support/with-server.ts';

const UNPINNED: Pinning = { server: [], load: [], note: undefined };
const LOAD = { seconds: 1, pinning: UNPINNED, signal: new AbortController().signal };

describe.each([
  { suite: bulk, cases: ['tls, 1 MiB'] },
  { suite: file, cases: ['plain', 'tls'] },
])('a body of $suite.name', ({ suite, cases }) => {
  it.for(suite.contenders.map((each) => [each.name, each] as const))(
    'by %s is the one that all give, over TLS 1.3 where it is sealed',
    async ([, contender], { skip }) => {
      if (findTool('wrk') === undefined) return skip('wrk is not installed');
      await caseWithCredentials(async ({ credentials }) => {
        for (const name of cases) {
          const each: Case = name === PLAIN.name ? PLAIN : { name, credentials };
          const reason = await withServer(contender, each, async (server) => {
            // The suite compares the body before it measures.
            const sample = await suite.measure(server, each, LOAD);
            expect(Object.keys(sample)).toEqual(suite.metrics.map((metric) => metric.name));
          });
          if (reason !== undefined) skip(reason);
        }
      });
    },
  );
});
