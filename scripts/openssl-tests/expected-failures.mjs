// What of OpenSSL's own tests fails on the source as we change it, each with the change that it is the price of.
// Rule: to the iteration. One more is a bug, and one less is a line that has to go from here.

/** Asked of a client after the handshake, which a session of TLS 1.3 on a server has let go of what it would take. */
const LATE_CERTIFICATES = [
  ...['none', 'default'].flatMap((provider) =>
    iterations(`26-tls13_client_auth.cnf ${provider} > test_handshake`, 9, 14),
  ),
  ...iterations('rpktest > test_rpk', 10, 2_278, 36),
  ...iterations('sslapitest > test_stateful_tickets', 1, 3),
  ...iterations('sslapitest > test_stateless_tickets', 1, 3),
  'sslapitest > test_pha_key_update',
  'sslapitest > test_shutdown > 6',
];

/** Shown to whoever asks after the handshake: ephemeral keys, and what either side has said it can do. Nothing here asks. */
const SHOWN_AFTERWARDS = [
  ...['none', 'default'].flatMap((provider) =>
    iterations(`14-curves.cnf ${provider} > test_handshake`, 1, 63),
  ),
  ...iterations('sslapitest > test_key_exchange', 1, 19),
  ...iterations('sslapitest > test_ssl_get_shared_ciphers', 6, 7),
  ...iterations('sslapitest > test_sigalgs_available', 1, 6),
  ...iterations('sslapitest > test_pluggable_group', 1, 2),
];

/** Of AES-GCM and ARIA-GCM, with more than 16 bytes; TLS has 12. */
const LONG_NONCES = [
  'evp_test evpciph_aes_common.txt > run_file_tests > 1',
  'evp_test evpciph_aria.txt > run_file_tests > 1',
  'evp_extra_test > test_aes_gcm_ivlen_change_cve_2023_5363',
  'evp_extra_test with a non-default library context > test_aes_gcm_ivlen_change_cve_2023_5363',
];

export const EXPECTED_FAILURES = [...LATE_CERTIFICATES, ...SHOWN_AFTERWARDS, ...LONG_NONCES];

function iterations(test, first, last, step = 1) {
  const count = Math.floor((last - first) / step) + 1;
  return Array.from({ length: count }, (_, index) => `${test} > ${first + index * step}`);
}
