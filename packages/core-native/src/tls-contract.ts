/**
 * The native contract of TLS: contexts, sessions, and what can be asked of them.
 *
 * Rule: as in contract.ts, of which this is a part. OpenSSL decides nothing that a caller has not chosen here.
 */
/** What a {@link NativeTlsContext} is built from. PEM is text or bytes; nothing is kept of the caller's memory. */
export interface NativeTlsContextOptions {
  readonly role: 'server' | 'client';
  /**
   * A server's context without a certificate, which serves nobody itself: its sessions choose another one or are
   * refused with the alert unrecognized_name (RFC 6066 section 3). Default false.
   */
  readonly chooser?: boolean | undefined;
  /** The leaf first, then its issuers. */
  readonly certificateChain?: string | Uint8Array | undefined;
  readonly privateKey?: string | Uint8Array | undefined;
  readonly passphrase?: string | undefined;
  /** Trust anchors (PEM, any number of certificates in each); each one is trusted as it is, intermediates too. */
  readonly trustAnchors?: readonly (string | Uint8Array)[] | undefined;
  /** Whether the peer must present a certificate that verifies; needs `trustAnchors`. */
  readonly verifyPeer?: boolean | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** TLS 1.2 cipher list and TLS 1.3 cipher suites, in OpenSSL's syntax. */
  readonly ciphers?: string | undefined;
  readonly cipherSuites?: string | undefined;
  /** Groups for the key exchange, in OpenSSL's syntax, most wanted first. */
  readonly groups?: string | undefined;
  /**
   * ALPN protocols, most wanted first (RFC 7301). A server picks by its own order and refuses when none is shared; one
   * without a list leaves it to the session's.
   */
  readonly alpn?: readonly string[] | undefined;
  /** At most 32 bytes; keeps resumption inside one trust policy. Required for resumption with verified peers. */
  readonly sessionIdContext?: string | undefined;
  /** TLS 1.3 session tickets sent after a full handshake. */
  readonly tickets?: number | undefined;
}

/** An immutable SSL_CTX. Sessions made from it keep it alive. */
export interface NativeTlsContext {
  readonly role: 'server' | 'client';
}

/**
 * Names and the contexts that serve them, looked up inside a handshake without entering JavaScript. Names are compared
 * without case and without a trailing dot (RFC 6066 section 3). May change at any time, also under handshakes: they see
 * the one or the other.
 */
export interface NativeTlsNames {
  /**
   * `pattern` is a name or `*.` and a name, for one label in front of it; in lower case, without a trailing dot. A name
   * goes before a wildcard. Throws a TypeError unless the context is a server's.
   */
  set(pattern: string, context: NativeTlsContext): void;
  /** Whether it was there. */
  remove(pattern: string): boolean;
}

/** For a client those of its peer, for a server those of its choice. */
export interface NativeTlsSessionOptions {
  /** SNI to send (clients): a DNS name, never an address (RFC 6066 section 3). */
  readonly servername?: string | undefined;
  /** DNS name or numeric IP address that the peer's certificate must carry (clients; RFC 9525). */
  readonly verifyName?: string | undefined;
  /** Who serves which servername (servers); whoever is not found there is served by the session's own context. */
  readonly names?: NativeTlsNames | undefined;
  /** Application protocols (servers), each with its length in front as on the wire, for contexts that have no list. */
  readonly alpn?: Buffer | undefined;
  /** Whether the handshake is suspended once the ClientHello is there (servers). Default false. */
  readonly suspends?: boolean | undefined;
}

/** What a handshake settled. */
export interface NativeTlsInfo {
  readonly protocol: string;
  /** Standard (IANA) name of the cipher suite. */
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly servername: string | undefined;
  readonly resumed: boolean;
  /** Group of the key exchange, for instance `X25519MLKEM768`; undefined when there was none. */
  readonly group: string | undefined;
}

/** One SSL object on one connected, non-blocking socket. It never closes the socket. */
export interface NativeTlsSession {
  /** 0 when the handshake is complete, else a {@link Status}. Never needed again after 0. */
  handshake(): number;
  /**
   * The ClientHello of a suspended handshake as it came, with its handshake header (RFC 8446 sections 4 and 4.1.2); of
   * those in the format of SSL 2.0 there is none, they are refused. Undefined unless it is suspended.
   */
  clientHello(): Buffer | undefined;
  /**
   * Answers a suspended handshake, which then goes on with the next {@link handshake}: under `context` with everything
   * it says, or without one as if it had not been suspended. Throws when no answer is awaited.
   */
  chooseContext(context?: NativeTlsContext): void;
  /** Answers that it is refused, with the given alert (RFC 8446 section 6). Throws when no answer is awaited. */
  refuseHello(alert: number): void;
  /**
   * Decrypts as many records as are there into `buffer[offset, offset + length)`. Answers the count, with
   * {@link READ_MORE} set unless the session ran dry, or a {@link Status}. A zero `length` is misuse. A peer that sends
   * more than 32 records in a row without data, KeyUpdates for instance, has `failed`.
   */
  read(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * Encrypts and sends; answers how many bytes OpenSSL accepted (1 to `length`), or a {@link Status}. After
   * `wantsRead` or `wantsWrite` the next write must begin with the same bytes, at least as many; they may have moved.
   */
  write(buffer: Uint8Array, offset: number, length: number): number;
  /** Sends close_notify; 0 when it has left. Not to be called with a blocked write. Harmless before the handshake. */
  shutdown(): number;
  /** What the handshake settled; throws before it is complete. */
  info(): NativeTlsInfo;
  /** The peer's certificate chain as it sent it, DER, leaf first; empty when there is none. */
  peerCertificates(): Buffer[];
  /** X.509 verification outcome: `X509_V_OK` or the name and text of the failure. */
  verifyResult(): { readonly ok: boolean; readonly name: string; readonly reason: string };
  /** Frees the SSL object; when called from inside one of its own callbacks, after that call. Twice is harmless. */
  close(): void;
}
