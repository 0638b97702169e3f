/** Refusing a client before it is shaken hands with, and what it is told. */
import { SluiceError } from '@sluice/reactor';

/** Alerts that fit a refused ClientHello, by the names of RFC 8446 section 6. */
export const ALERTS = {
  handshake_failure: 40,
  access_denied: 49,
  decode_error: 50,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  unrecognized_name: 112,
  no_application_protocol: 120,
} as const;

/** Alerts by which a server may refuse a ClientHello (RFC 8446 section 6). */
export type TlsAlertName = keyof typeof ALERTS;

/** To be returned (or thrown) by `onClientHello`: the handshake ends with `alert`, and the listener is told of this. */
export class TlsRefusedError extends SluiceError {
  declare readonly code: 'ERR_TLS_REFUSED';
  readonly alert: TlsAlertName;

  constructor(message: string, alert: TlsAlertName = 'access_denied') {
    super('ERR_TLS_REFUSED', message);
    this.alert = alert;
  }
}
