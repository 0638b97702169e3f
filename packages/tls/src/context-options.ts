/** What servers and clients have in common in their TLS configuration. */
export interface TlsVersions {
  /** Lowest version spoken. Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Highest version spoken. Default `TLSv1.3`. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** TLS 1.2 cipher list in OpenSSL's syntax, most wanted first. Default: AEAD ciphers with ECDHE, AES-128-GCM first. */
  readonly ciphers?: string;
  /** TLS 1.3 cipher suites in OpenSSL's syntax, most wanted first. Default: AES-128-GCM first. */
  readonly cipherSuites?: string;
  /**
   * Key exchange groups in OpenSSL's syntax, most wanted first. A server goes by its own order. Default:
   * X25519MLKEM768 (with OpenSSL from 3.5), X25519, P-256, P-384, P-521; finite-field groups are left out.
   */
  readonly groups?: string;
  /**
   * How weak an algorithm or key may be, own certificates included: 0 (anything) to 5, SSL_CTX_set_security_level(3).
   * Default 2: 112 bits, so RSA from 2048 bits and no SHA-1. From 3 on there are no session tickets of TLS 1.2;
   * at 5 the default group is P-521 alone.
   */
  readonly securityLevel?: number;
  /** Application protocols to negotiate (ALPN, RFC 7301), most wanted first. Default: none. */
  readonly alpn?: readonly string[];
  /**
   * How records reach the socket. `shared`: through two buffers that all connections of a thread have in common, one
   * system call for everything that is there. `socket`: each record by itself. Default `shared`.
   */
  readonly bio?: 'shared' | 'socket';
  /**
   * Whether the kernel seals what is sent (`send`), or also opens what comes (`both`), where it can (docs/kernel-tls.md):
   * files then leave without passing through user space. `conn.tls.kernelTls` tells what a connection got, and why not
   * more; user space does the rest. Implies `bio: 'socket'`, excludes `renegotiation`. Of a server the default context's
   * goes for all names. Default `off`.
   */
  readonly kernelTls?: 'off' | 'send' | 'both';
}

export const VERSION_NAMES = [
  'minVersion',
  'maxVersion',
  'ciphers',
  'cipherSuites',
  'groups',
  'securityLevel',
  'alpn',
  'bio',
  'kernelTls',
];

/** Who listens to the keys of connections. */
export interface KeyLogOptions {
  /**
   * Gets the secrets of each connection, a line at a time in the format of SSLKEYLOGFILE, for Wireshark and the like, in a
   * microtask after the call that made them; what it throws is an uncaught exception. Whoever has the lines can read the
   * connections. No environment variable turns this on. For a file: `keyLogFile(path)`.
   */
  readonly onKeyLog?: ((line: string) => void) | undefined;
}

/** Sessions of one transport, since it was made. */
export interface SessionStats {
  /** In the cache now. */
  readonly kept: number;
  /** Server: handshakes that resumed one, by ticket or by id. Client: sessions offered. */
  readonly hits: number;
  /** Server: session ids asked for in vain. Client: handshakes without a session to offer. */
  readonly misses: number;
  /** Dropped for want of room. */
  readonly evicted: number;
}

/** PEM: text, or its bytes. Nothing is kept of the caller's memory. */
export type Pem = string | Uint8Array;
