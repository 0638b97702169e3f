/** What the kernel counts of its TLS connections, all of them done in software here (/proc/net/tls_stat). */
import { readFileSync } from 'node:fs';

export interface KernelTlsCounts {
  /** Directions that were handed over, ever. */
  readonly sealing: number;
  readonly opening: number;
  /** Records that did not open. */
  readonly unopened: number;
  /** New keys that were taken; 0 where the kernel takes none. */
  readonly keys: number;
}

export function kernelTlsCounts(): KernelTlsCounts {
  const stat = readFileSync('/proc/net/tls_stat', 'utf8');
  const of = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return {
    sealing: of('TlsTxSw'),
    opening: of('TlsRxSw'),
    unopened: of('TlsDecryptError'),
    keys: of('TlsTxRekeyOk') + of('TlsRxRekeyOk'),
  };
}
