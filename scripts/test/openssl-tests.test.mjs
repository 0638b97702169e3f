import { describe, expect, it } from 'vitest';
import { EXPECTED_FAILURES } from '../openssl-tests/expected-failures.mjs';
import { compareFailures, failuresIn } from '../openssl-tests/failures.mjs';

describe("failures of OpenSSL's tests", () => {
  it('are their parts, with the program that ran them', () => {
    const output = [
      '            ok 1 - iteration 1',
      '            not ok 2 - iteration 2',
      '            # ERROR: (int) something',
      '            not ok 3 - iteration 3',
      '        not ok 1 - test_handshake',
      '    not ok 3 - running LOG=a/b.cnf CERTS=certs test/ssl_test test/ssl-tests/14-curves.cnf none',
      'not ok 14 - Test configuration 14-curves.cnf',
      '80-test_ssl_new.t ... Dubious, test returned 1',
      '    not ok 71 - test_nonce',
      'not ok 1 - running evp_extra_test with a non-default library context',
      'not ok 4 - running evp_test -config ../../test/default.cnf evpciph.txt',
      '    ok 1 - test_other',
      'ok 2 - running other',
      'not ok 5 - no program of its own',
    ].join('\n');
    expect(failuresIn(output)).toEqual([
      '14-curves.cnf none > test_handshake > 2',
      '14-curves.cnf none > test_handshake > 3',
      'evp_extra_test with a non-default library context > test_nonce',
      'evp_test evpciph.txt',
      'no program of its own',
    ]);
  });

  it('are none in an output without any', () => {
    expect(failuresIn('ok 1 - running a\n# not ok 1 - in a comment\nFiles=1, Tests=1')).toEqual([]);
  });

  it('are compared both ways', () => {
    expect(compareFailures(['a', 'b'], ['b', 'c'])).toEqual({ more: ['a'], fewer: ['c'] });
  });

  it('are expected once each', () => {
    expect(new Set(EXPECTED_FAILURES).size).toBe(EXPECTED_FAILURES.length);
    expect(EXPECTED_FAILURES).toContain('rpktest > test_rpk > 2278');
  });
});
