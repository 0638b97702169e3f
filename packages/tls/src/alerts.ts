/**
 * TLS alerts: what a peer says, or is told, before it leaves (RFC 8446 section 6, RFC 5246 section 7.2).
 *
 * Rule: whose fault an alert tells of is seen from here: one that the peer sent about our certificate is a matter of
 * configuration, ours or that of its trust.
 */
import type { TlsFault } from './errors.ts';

/** An alert that ended a connection. */
export interface TlsAlert {
  /** As the RFCs spell it, `unknown_ca` for instance; `alert_N` for one that is not known here. */
  readonly name: string;
  readonly number: number;
  /** By us, or by the peer. */
  readonly direction: 'sent' | 'received';
}

interface Description {
  readonly name: string;
  readonly fault: TlsFault;
  readonly advice: string;
}

const PROTOCOL =
  'it found a mistake in what was sent: one side has a bug, or something on the way changes the bytes';
const OUR_CERTIFICATE = 'it does not accept our certificate';

const ALERTS: ReadonlyMap<number, Description> = new Map([
  [10, { name: 'unexpected_message', fault: 'peer', advice: PROTOCOL }],
  [20, { name: 'bad_record_mac', fault: 'peer', advice: PROTOCOL }],
  [22, { name: 'record_overflow', fault: 'peer', advice: PROTOCOL }],
  [
    40,
    {
      name: 'handshake_failure',
      fault: 'peer',
      advice: 'nothing that both accept was found: compare versions, ciphers and groups of both sides',
    },
  ],
  [42, { name: 'bad_certificate', fault: 'configuration', advice: OUR_CERTIFICATE }],
  [43, { name: 'unsupported_certificate', fault: 'configuration', advice: OUR_CERTIFICATE }],
  [44, { name: 'certificate_revoked', fault: 'configuration', advice: OUR_CERTIFICATE }],
  [45, { name: 'certificate_expired', fault: 'configuration', advice: `${OUR_CERTIFICATE}: renew it` }],
  [46, { name: 'certificate_unknown', fault: 'configuration', advice: OUR_CERTIFICATE }],
  [47, { name: 'illegal_parameter', fault: 'peer', advice: PROTOCOL }],
  [
    48,
    {
      name: 'unknown_ca',
      fault: 'configuration',
      advice: `${OUR_CERTIFICATE}: it does not know its issuer; send the intermediates in cert, or have it trust the root`,
    },
  ],
  [49, { name: 'access_denied', fault: 'configuration', advice: OUR_CERTIFICATE }],
  [50, { name: 'decode_error', fault: 'peer', advice: PROTOCOL }],
  [51, { name: 'decrypt_error', fault: 'peer', advice: PROTOCOL }],
  [
    70,
    {
      name: 'protocol_version',
      fault: 'peer',
      advice: 'it speaks none of the TLS versions that are enabled here: see minVersion and maxVersion',
    },
  ],
  [71, { name: 'insufficient_security', fault: 'peer', advice: 'it demands stronger ciphers or groups' }],
  [80, { name: 'internal_error', fault: 'peer', advice: 'something failed at its side' }],
  [
    86,
    { name: 'inappropriate_fallback', fault: 'peer', advice: 'it knows a higher version than was offered' },
  ],
  [90, { name: 'user_canceled', fault: 'peer', advice: 'its user gave up' }],
  [109, { name: 'missing_extension', fault: 'peer', advice: PROTOCOL }],
  [110, { name: 'unsupported_extension', fault: 'peer', advice: PROTOCOL }],
  [112, { name: 'unrecognized_name', fault: 'peer', advice: 'it serves nobody of that servername' }],
  [
    115,
    {
      name: 'unknown_psk_identity',
      fault: 'configuration',
      advice: 'it does not know the identity in psk',
    },
  ],
  [
    116,
    {
      name: 'certificate_required',
      fault: 'configuration',
      advice: 'it wants a certificate of ours: give cert and key',
    },
  ],
  [
    120,
    { name: 'no_application_protocol', fault: 'peer', advice: 'it serves none of the protocols in alpn' },
  ],
]);

/** The alert with its name; what is known of it beside that, if it is known at all. */
export function alertOf(
  number: number,
  direction: TlsAlert['direction'],
): { readonly alert: TlsAlert; readonly fault: TlsFault; readonly advice: string } {
  const { name, fault, advice } = ALERTS.get(number) ?? {
    name: `alert_${number}`,
    fault: 'peer',
    advice: `alert ${number} is not known here`,
  };
  return { alert: { name, number, direction }, fault, advice };
}
