/**
 * What is wrong with a certificate, from OpenSSL's name of it: our code, and words that say what to do.
 *
 * Rule: whatever has no entry here is `ERR_TLS_VERIFY` with OpenSSL's own words.
 */

/** The codes of a `TlsError` about the peer's certificate. */
export type VerificationErrorCode =
  | 'ERR_TLS_VERIFY'
  | 'ERR_TLS_HOSTNAME'
  | 'ERR_TLS_CERTIFICATE_EXPIRED'
  | 'ERR_TLS_CERTIFICATE_NOT_YET_VALID'
  | 'ERR_TLS_CERTIFICATE_REVOKED'
  | 'ERR_TLS_NO_CERTIFICATE';

type Cause = readonly [code: VerificationErrorCode, what: string, advice: string];

const NO_CERTIFICATE: Cause = [
  'ERR_TLS_NO_CERTIFICATE',
  'The peer presented no certificate',
  'It needs one of an authority that is trusted here',
];

const OTHER_NAME: Cause = [
  'ERR_TLS_HOSTNAME',
  "The peer's certificate is for another name",
  'Connect by a name that it carries, or give servername',
];
const UNKNOWN_ISSUER: Cause = [
  'ERR_TLS_VERIFY',
  "The peer's certificate does not verify: its issuer is not trusted here",
  'Give its issuer as ca if you trust it; the peer has to send what lies between',
];
const NO_CRL: Cause = [
  'ERR_TLS_VERIFY',
  "The peer's certificate does not verify: there is no current CRL of an issuer of it",
  'Give it in crls',
];

/** By name of X509_STORE_CTX_get_error(3), without `X509_V_ERR_`. */
const CAUSES: ReadonlyMap<string, Cause> = new Map([
  ['HOSTNAME_MISMATCH', OTHER_NAME],
  ['IP_ADDRESS_MISMATCH', OTHER_NAME],
  ['EMAIL_MISMATCH', OTHER_NAME],
  ['UNABLE_TO_GET_ISSUER_CERT', UNKNOWN_ISSUER],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNKNOWN_ISSUER],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', UNKNOWN_ISSUER],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNKNOWN_ISSUER],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    [
      'ERR_TLS_VERIFY',
      "The peer's certificate does not verify: it is self-signed",
      'Give it itself as ca if you trust it',
    ],
  ],
  [
    'CERT_HAS_EXPIRED',
    [
      'ERR_TLS_CERTIFICATE_EXPIRED',
      "The peer's certificate, or an issuer of it, has expired",
      'It has to be renewed; check the clock of this machine too',
    ],
  ],
  [
    'CERT_NOT_YET_VALID',
    [
      'ERR_TLS_CERTIFICATE_NOT_YET_VALID',
      "The peer's certificate, or an issuer of it, is not valid yet",
      'Check the clock of this machine',
    ],
  ],
  [
    'CERT_REVOKED',
    [
      'ERR_TLS_CERTIFICATE_REVOKED',
      "The peer's certificate, or an issuer of it, was revoked",
      'Do not trust it; its owner has to get another one',
    ],
  ],
  [
    'INVALID_PURPOSE',
    [
      'ERR_TLS_VERIFY',
      "The peer's certificate does not verify: it is not made for this side of a connection",
      'Servers need one for serverAuth, clients one for clientAuth (extended key usage)',
    ],
  ],
  ['UNABLE_TO_GET_CRL', NO_CRL],
  ['UNABLE_TO_GET_CRL_ISSUER', NO_CRL],
  ['CRL_HAS_EXPIRED', NO_CRL],
  ['CRL_NOT_YET_VALID', NO_CRL],
]);

/** Code and message for a verification that failed; for a peer without a certificate where it is undefined. */
export function verificationCause(
  verification: { readonly name: string; readonly reason: string } | undefined,
): { readonly code: VerificationErrorCode; readonly message: string } {
  if (verification === undefined) return { code: NO_CERTIFICATE[0], message: sentence(NO_CERTIFICATE) };
  const { name, reason } = verification;
  const short = name.replace(/^X509_V_ERR_/, '');
  const cause = CAUSES.get(short);
  if (cause !== undefined) return { code: cause[0], message: sentence(cause, reason) };
  return {
    code: 'ERR_TLS_VERIFY',
    message: `The peer's certificate does not verify: ${reason} (${short}).`,
  };
}

function sentence([, what, advice]: Cause, detail?: string): string {
  return `${what}${detail === undefined ? '' : ` (${detail})`}. ${advice}.`;
}
