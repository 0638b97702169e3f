/**
 * The native contract of TLS: contexts, sessions, and what can be asked of them.
 *
 * Rule: as in contract.ts, of which this is a part. OpenSSL decides nothing that a caller has not chosen here.
 */
/** A certificate with its issuers and its key, either in PEM or as PKCS #12. */
export interface NativeTlsIdentity {
  /** The leaf first, then its issuers. */
  readonly certificateChain?: string | Uint8Array | undefined;
  readonly privateKey?: string | Uint8Array | undefined;
  /** Of `privateKey` or `pkcs12`. */
  readonly passphrase?: string | undefined;
  /** DER (RFC 7292), instead of the two above. */
  readonly pkcs12?: Uint8Array | undefined;
  /** DER of an OCSP response about the certificate (RFC 6960), handed to clients that ask for it (RFC 6066). */
  readonly ocspStaple?: Uint8Array | undefined;
}

/** Pre-shared keys that are known from outside (RFC 8446 section 4.2.11, RFC 4279). Copied, and wiped with the context. */
export interface NativePsk {
  /**
   * All that a server knows, the one of a client. An identity is of 1 to 4096 bytes in UTF-8; of at most 128 and without
   * NUL where TLS 1.2 is spoken. A key is of 16 to 512 bytes.
   */
  readonly keys: readonly { readonly identity: string; readonly key: Uint8Array }[];
  /** Whether SHA-384 goes with the keys instead of SHA-256. TLS 1.2 does not use them then. Default false. */
  readonly sha384?: boolean | undefined;
  /** Whether a client refuses a server that does not take its key. Default false. */
  readonly required?: boolean | undefined;
}

/** What a {@link NativeTlsContext} is built from. PEM is text or bytes; nothing is kept of the caller's memory. */
export interface NativeTlsContextOptions extends NativeTlsIdentity {
  readonly role: 'server' | 'client';
  /**
   * A server's context without a certificate, which serves nobody itself: its sessions choose another one or are
   * refused with the alert unrecognized_name (RFC 6066 section 3). Default false.
   */
  readonly chooser?: boolean | undefined;
  /** Further identities, each with a key of another kind; what the peer can verify decides which one is used. */
  readonly identities?: readonly NativeTlsIdentity[] | undefined;
  /** Trust anchors (PEM, any number of certificates in each); each one is trusted as it is, intermediates too. */
  readonly trustAnchors?: readonly (string | Uint8Array)[] | undefined;
  /** Whether the peer must present a certificate that verifies; needs `trustAnchors`. */
  readonly verifyPeer?: boolean | undefined;
  /**
   * Whether a server asks for a certificate and goes on whatever comes of it: `authorized` and `verification` of
   * {@link NativeTlsInfo} tell. Of no effect with `verifyPeer`.
   */
  readonly requestCertificate?: boolean | undefined;
  /** CRLs (PEM, any number in each). With any, the peer's leaf is checked, and its issuer's CRL has to be there. */
  readonly crls?: readonly (string | Uint8Array)[] | undefined;
  /** `chain`: the same of every certificate above the leaf, the root included. Default `leaf`. */
  readonly crlCheck?: 'leaf' | 'chain' | undefined;
  /** Whether a client asks for an OCSP staple. */
  readonly requestOcsp?: boolean | undefined;
  /** 0 to 5, SSL_CTX_set_security_level(3). Default 2: 112 bits, RSA keys of 2048 bits, no SHA-1. */
  readonly securityLevel?: number | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** TLS 1.2 cipher list and TLS 1.3 cipher suites, in OpenSSL's syntax. */
  readonly ciphers?: string | undefined;
  readonly cipherSuites?: string | undefined;
  /**
   * Groups for the key exchange, in OpenSSL's syntax, most wanted first. Default: X25519MLKEM768 where the library has
   * it, X25519, P-256, P-384, P-521.
   */
  readonly groups?: string | undefined;
  /**
   * How records reach the socket: `shared` through two buffers that all sessions of the thread share (one recv(2) and one
   * send(2) for all that is there), `socket` each by itself. Default `shared`.
   */
  readonly bio?: 'shared' | 'socket' | undefined;
  /**
   * Whether the kernel seals what is sent, or also opens what comes, where it can: {@link NativeKernelTls} tells. With it
   * `bio` is `socket`; it excludes `renegotiations`. Of a server it goes with the context that its session is made from,
   * whichever serves the client. Default `off`.
   */
  readonly kernelTls?: 'off' | 'send' | 'both' | undefined;
  /**
   * ALPN protocols, most wanted first (RFC 7301). A server picks by its own order and refuses when none is shared; one
   * without a list leaves it to the session's.
   */
  readonly alpn?: readonly string[] | undefined;
  /**
   * At most 32 bytes more in what tells sessions of one purpose from those of another. The certificates, and whom the
   * context trusts, are always part of that: a session is resumed under the same policy only.
   */
  readonly sessionIdContext?: string | undefined;
  /**
   * TLS 1.3 session tickets, from 0 to 16, sent in front of the first application data after a full handshake; one after
   * a resumption. In TLS 1.2 there is one, in the handshake. 0: no tickets at all, a client of TLS 1.2 asks for none.
   */
  readonly tickets?: number | undefined;
  /** How long a session may be resumed, from 1 to 604800 (RFC 8446 section 4.6.1). Default 7200. */
  readonly sessionTimeoutSeconds?: number | undefined;
  /**
   * Sessions kept, from 0 to 1000000; the oldest goes first. A server's are found by id, for clients of TLS 1.2 that take
   * no tickets; a client's are offered again, see {@link NativeTlsSessionOptions.sessionKey}. Default 0: none.
   */
  readonly sessionCacheSize?: number | undefined;
  /**
   * TLS 1.3 early data (RFC 8446 section 2.3), in bytes, to 16777216. A server takes as much with a session that it has
   * made; those it keeps among `sessionCacheSize`, the first context those of all names, and gives each out once, so that
   * no early data is taken twice. A client offers no more. Default 0: none.
   */
  readonly maxEarlyData?: number | undefined;
  /** Whether sessions keep the lines of a key log for {@link NativeTlsSession.takeKeyLog}. Default false. */
  readonly keyLog?: boolean | undefined;
  /** A server with keys needs no certificate. */
  readonly psk?: NativePsk | undefined;
  /**
   * How often in a window the peer may renegotiate TLS 1.2; one more ends the session. Only with RFC 5746 and RFC 7627, and
   * only the keys may change by it: another certificate, verification, PSK or ALPN ends the session too. Default 0: it is
   * refused with the warning no_renegotiation.
   */
  readonly renegotiations?: number | undefined;
  /** At least 1. Default 600000, ten minutes. */
  readonly renegotiationWindowMs?: number | undefined;
}

/** Sessions of one context, since it was made. */
export interface NativeSessionStats {
  /** In the cache now. */
  readonly kept: number;
  /** Server: handshakes that resumed one, by ticket or by id. Client: sessions offered. */
  readonly hits: number;
  /** Server: session ids asked for in vain. Client: handshakes without a session to offer. */
  readonly misses: number;
  /** Dropped for want of room. */
  readonly evicted: number;
}

/** An immutable SSL_CTX. Sessions made from it keep it alive. */
export interface NativeTlsContext {
  readonly role: 'server' | 'client';
  /** Whether its sessions ask the kernel to seal for them. */
  readonly kernelTls: boolean;
  /** Of each identity what it sends, DER, leaf first. */
  certificateChains(): Buffer[][];
  /** Sessions of this context, since it was made. */
  sessionStats(): NativeSessionStats;
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
  /**
   * Under what name the sessions of this one are kept, and one is taken to be offered (clients of a context with
   * `sessionCacheSize`). Must differ where `servername`, `verifyName` or the server do. One of TLS 1.3 is offered once.
   */
  readonly sessionKey?: string | undefined;
  /**
   * What {@link NativeTlsSession.exportSession} answered, to be offered instead of a kept one. Left aside when it was made
   * under another trust policy, or with a peer whose certificate does not carry `verifyName`. Throws `ERR_TLS_OPTION` for
   * bytes that are no session.
   */
  readonly session?: Uint8Array | undefined;
  /** What has been read from the socket already: the session's first input. Copied. */
  readonly head?: Uint8Array | undefined;
  /** Who serves which servername (servers); whoever is not found there is served by the session's own context. */
  readonly names?: NativeTlsNames | undefined;
  /** Application protocols, each with its length in front as on the wire, for contexts that have no list. */
  readonly alpn?: Buffer | undefined;
  /** As of the context, and whichever context serves the client (servers). Default false. */
  readonly keyLog?: boolean | undefined;
  /**
   * Of a server: whether early data is taken where the context that serves the client takes some; default what the
   * session's own context says. Of a client: whether what is written first leaves early, where a session allows for it;
   * default false. {@link Status.early} tells that it has begun.
   */
  readonly earlyData?: boolean | undefined;
  /** Whether the handshake is suspended once the ClientHello is there (servers). Default false. */
  readonly suspends?: boolean | undefined;
}

/** An outcome of X.509 verification: `X509_V_OK`, or the name (X509_STORE_CTX_get_error(3)) and text of the failure. */
export interface NativeVerification {
  readonly ok: boolean;
  readonly name: string;
  readonly reason: string;
}

/** What the kernel seals and opens of one connection instead of OpenSSL (BIO_get_ktls_send(3)). */
export interface NativeKernelTls {
  readonly send: boolean;
  readonly receive: boolean;
  /** Why not all that was asked for; undefined when it is. */
  readonly reason: string | undefined;
}

/** What {@link NativeTlsSession.outcome} answers: bits, and how an offered session was met. */
export const Outcome = {
  /** As {@link NativeTlsSession.resumed}. */
  resumed: 1,
  earlyAccepted: 2,
  earlyRejected: 4,
  /** {@link NativeTlsSession.renegotiations} answers a count. */
  mayRenegotiate: 8,
  /**
   * The last step has left nothing to read, as after a {@link NativeTlsSession.read} without {@link READ_MORE}: only an edge
   * brings more.
   */
  dry: 16,
  /** Where in the answer the index into {@link RESUMPTIONS} begins. */
  resumptionShift: 5,
} as const;

/** How a session that a client offered was met: see {@link NativeTlsSession.resumption}. */
export const RESUMPTIONS = [undefined, 'ticket', 'id', 'ticket refused', 'id refused'] as const;

/** What became of early data; `none` where the client sent none. */
export type NativeEarlyData = 'none' | 'accepted' | 'rejected';

/** What a handshake settled. */
export interface NativeTlsInfo {
  readonly protocol: string;
  /** Standard (IANA) name of the cipher suite. */
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly servername: string | undefined;
  readonly resumed: boolean;
  readonly earlyData: NativeEarlyData;
  /**
   * What a server of TLS 1.2 keeps the session by (RFC 5246 section 7.3); undefined where the session is in a ticket, and
   * in TLS 1.3, which has tickets only.
   */
  readonly sessionId: Buffer | undefined;
  /** Group of the key exchange, for instance `X25519MLKEM768`; undefined when there was none. */
  readonly group: string | undefined;
  /**
   * What the peer signed the handshake with (IANA's name, `ecdsa_secp256r1_sha256`; the kind of key with OpenSSL before
   * 3.5); undefined when it signed nothing: a client without a certificate, a resumed session.
   */
  readonly peerSignature: string | undefined;
  /**
   * The identity of the pre-shared key (PSK) that the handshake was made with, or the handshake of which the session was
   * resumed; undefined without one.
   */
  readonly pskIdentity: string | undefined;
  /**
   * Whether the peer has the key of `pskIdentity`, or presented a certificate that verified; of a resumed session, whether
   * it did so at first.
   */
  readonly authorized: boolean;
  /** What verification said of the peer's certificate; undefined when it presented none. */
  readonly verification: NativeVerification | undefined;
  /** The OCSP response that the server stapled (DER), not checked; undefined when it sent none, and in servers. */
  readonly ocspStaple: Buffer | undefined;
  readonly kernelTls: NativeKernelTls;
}

/**
 * The ring of ticket keys: one for all server contexts of all threads of this process. 80 bytes each: a name of 16, a key
 * of AES-256-CBC, a key of HMAC-SHA256 (32 each); the first one seals, all of them open.
 */
export interface NativeTicketKeys {
  /**
   * Puts a random key in front, unless the present one is younger than `minAgeMs`, or none was needed yet. Whether it did.
   */
  rotateTicketKeys(minAgeMs: number): boolean;
  /** Replaces all keys, 1 to 16. Throws a RangeError for another length, and when two have the same name. */
  setTicketKeys(buffer: Uint8Array, offset: number, length: number): void;
  /** A copy of all keys, which is a secret; makes the first one when there is none yet. */
  exportTicketKeys(): Buffer;
  /** How many keys beside the first go on opening after a rotation, from 0 to 15; 2 at the start. */
  keepTicketKeys(previous: number): void;
}

/** One SSL object on one connected, non-blocking socket. It never closes the socket. */
export interface NativeTlsSession {
  /**
   * 0 when the handshake is complete, else a {@link Status}. Never needed again after 0, nor after `early`: from then on
   * {@link read} brings it on. `trustsShortReads`: no RDHUP, HUP, ERR or PRI was seen on the socket, which is watched for
   * edges, so that a read that is less than asked for stands for EAGAIN (epoll(7)). Default false: the kernel is asked again.
   */
  handshake(trustsShortReads?: boolean): number;
  /** What a complete handshake came to, in one call: bits and a field of {@link Outcome}. */
  outcome(): number;
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
   * more than 32 records in a row without data, or more than 256 KeyUpdates in a minute, has `failed`. Answers `opened`
   * once when the handshake went on beside early data: what came before that came early.
   */
  read(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * Encrypts and sends; answers how many bytes have left in records (1 to `length`), or a {@link Status}. After
   * `wantsRead` or `wantsWrite` the next write must begin with the same bytes, at least as many; they may have moved. It
   * wants to read while the peer renegotiates: see {@link readDue}. Before the handshake is complete a client's bytes leave
   * early, as many as may, and are sent again where the server does not take them; the rest wants to read.
   */
  write(buffer: Uint8Array, offset: number, length: number): number;
  /**
   * What `recvMany` and `sendMany` know this session by: -2 or less, and somebody else's once it is
   * closed.
   */
  batchHandle(): number;
  /**
   * Sends close_notify; 0 when it has left, and `wantsRead` until a handshake beside early data is complete. Not to be called with a blocked write. Harmless before the handshake. With
   * `endFollows` it waits for `shutdownWrite` of the socket, to leave in one segment with the FIN; 200 ms at most.
   */
  shutdown(endFollows?: boolean): number;
  /** What the handshake settled; throws before it is complete, but for a server that takes early data. */
  info(): NativeTlsInfo;
  /**
   * The peer's certificate chain as it sent it, DER, leaf first; empty when there is none. A resumed session remembers
   * the leaf alone.
   */
  peerCertificates(): Buffer[];
  /** X.509 verification outcome: `X509_V_OK` or the name and text of the failure. */
  verifyResult(): NativeVerification;
  /**
   * Alerts other than close_notify, by number (RFC 8446 section 6): the last that left, and the last that came. Also after
   * the session failed; nothing when there were none.
   */
  alerts(): { readonly sent?: number; readonly received?: number };
  /** Whether the handshake resumed an earlier session. */
  resumed(): boolean;
  /** As of {@link info}. */
  earlyData(): NativeEarlyData;
  /**
   * How a server's handshake, complete, met the session that its client offered: resumed by ticket or by id, or not;
   * undefined for a client, and where none was offered. An id that nobody gave, as clients of TLS 1.3 make them up, counts
   * as refused in TLS 1.2.
   */
  resumption(): (typeof RESUMPTIONS)[number];
  /**
   * The session as it could be resumed now (i2d_SSL_SESSION(3)), secrets included; undefined for a server, and before
   * there is a ticket or an id.
   */
  exportSession(): Buffer | undefined;
  /**
   * Sends a KeyUpdate (RFC 8446 section 4.6.3): what this side writes is under new keys from then on, and with
   * `requestPeer` the peer is asked for the same; until it has answered, further calls do nothing. 0, also when a blocked
   * write comes first and brings the update behind it; `wantsWrite` when a part has still to leave, which any later call
   * brings on; or `failed`. Throws `ERR_TLS_KEY_UPDATE` in TLS 1.2, before the handshake is complete, after `shutdown`,
   * and where the kernel seals and takes no new keys.
   */
  updateKeys(requestPeer: boolean): number;
  /** KeyUpdates so far, answers to the peer's included; to be had after the end, too. */
  keyUpdates(): { readonly received: number; readonly sent: number };
  /**
   * Derives 1 to 16384 bytes that both ends have and nobody else (RFC 5705, RFC 8446 section 7.5). In TLS 1.2 an empty
   * context is another one than none. Throws `ERR_TLS_EXPORT` before the handshake is complete, and for a reserved label.
   */
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Buffer;
  /**
   * Renegotiations of TLS 1.2 that are complete; undefined where none are allowed. Afterwards {@link info} tells of the
   * last one.
   */
  renegotiations(): number | undefined;
  /**
   * Whether a write, or `shutdown`, has taken input off the socket since the last read, which has to be looked at: no edge
   * tells of it again. Only where {@link renegotiations} are allowed.
   */
  readDue(): boolean;
  /** Lines of the key log (the format of SSLKEYLOGFILE) since this was last asked; to be had after the end, too. */
  takeKeyLog(): string[];
  /** What the handshake has handed to the kernel: nothing before it is complete. */
  kernelTls(): NativeKernelTls;
  /**
   * SSL_sendfile(3), where the kernel seals what is sent: as `sendFile` of the binding. Session tickets that are due go
   * first. Not to be called with a blocked write. What it fails with is not kept: ENOTSUP where the kernel does not seal.
   */
  sendFile(file: number, offset: number, length: number): number;
  /** Frees the SSL object; when called from inside one of its own callbacks, after that call. Twice is harmless. */
  close(): void;
}
