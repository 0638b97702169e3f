/**
 * What is tried with whom. A cell of the matrix is a test, or has a reason here why the program cannot do it.
 *
 * Rule: docs/interoperability.md shows these tables, and a test compares them; the types ask for a test of every cell.
 */
import { needsTool, type ToolName } from '@sluice-internal/foreign-programs';
import { beforeEach, describe, it } from 'vitest';

export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type Version = (typeof VERSIONS)[number];

interface Capability {
  /** Head of its column. */
  readonly column: string;
  /** Title of its tests. */
  readonly title: string;
  /** Where only one version has it. */
  readonly only?: Version;
}

export const CAPABILITIES = {
  transfer: { column: '16 MiB each way', title: 'P16 16 MiB go each way, and every byte is the same' },
  peerEndsFirst: {
    column: 'it ends first',
    title: 'P28 the peer ends its side first, and still hears what we say',
  },
  weEndFirst: {
    column: 'we end first',
    title: 'P28 P24 we end our side first, and still hear what the peer says',
  },
  resumption: { column: 'resumption', title: 'a session is resumed, and both sides say so' },
  earlyData: {
    column: 'early data',
    title: 'P48 application data leaves with the first flight, and both sides say so',
    only: 'TLSv1.3',
  },
  clientCertificate: { column: 'client certificate', title: 'the client is known by its certificate' },
  alpn: { column: 'ALPN', title: 'both agree on an application protocol' },
  sni: { column: 'SNI', title: 'the name that is asked for has its own certificate' },
  staple: { column: 'staple', title: 'the client gets the OCSP response that the server has' },
  ourKeyUpdate: {
    column: 'our KeyUpdate',
    title: 'P15 P17 P23 we update keys in the middle of a transfer, and have the peer do it',
    only: 'TLSv1.3',
  },
  peerKeyUpdate: {
    column: 'its KeyUpdate',
    title: 'P15 P23 the peer updates keys in the middle of a transfer, and has us do it',
    only: 'TLSv1.3',
  },
  renegotiation: {
    column: 'its renegotiation',
    title: 'P23 the peer may not renegotiate, and nobody else notices that it tried',
    only: 'TLSv1.2',
  },
} as const satisfies Record<string, Capability>;

export type CapabilityName = keyof typeof CAPABILITIES;

export interface Peer {
  readonly tool?: ToolName;
  readonly role: 'client' | 'server';
  /** What it cannot do, and why. */
  readonly cannot: Partial<Record<CapabilityName, string>>;
  /** What it can, but for something. */
  readonly short?: Partial<Record<CapabilityName, string>>;
}

export const PEERS = {
  'openssl s_client': {
    tool: 'openssl',
    role: 'client',
    cannot: {
      peerEndsFirst: 'it is done at the end of its input, and drops what comes after',
      weEndFirst: 'it leaves as soon as it has our close_notify',
    },
  },
  'openssl s_server': {
    tool: 'openssl',
    role: 'server',
    cannot: { peerEndsFirst: 'its command for it ends the session, and it drops what comes after' },
  },
  'gnutls-cli': {
    tool: 'gnutls-cli',
    role: 'client',
    cannot: {
      peerEndsFirst: 'it sends close_notify at the end of its input, and drops what comes after',
      weEndFirst: 'it leaves as soon as it has our close_notify, without one of its own',
    },
    short: { transfer: '512 KiB of what we say: it prints with a system call for each byte' },
  },
  'gnutls-serv': {
    tool: 'gnutls-serv',
    role: 'server',
    cannot: {
      peerEndsFirst: 'it closes the connection together with its side',
      weEndFirst: 'it stops at our close_notify, or leaves it unread and ends with a reset',
      peerKeyUpdate: 'it has no command for it; it answers ours',
    },
  },
  curl: {
    tool: 'curl',
    role: 'client',
    cannot: {
      peerEndsFirst: 'it closes the connection together with its side',
      weEndFirst: 'an answer that has ended ends the exchange, whatever is still to be sent',
      earlyData: 'it has no option for it before version 8.11',
      peerKeyUpdate: 'it has no option for it; it answers ours',
      renegotiation: 'it has no option for it',
    },
  },
  "Node's client": {
    role: 'client',
    cannot: {
      earlyData: 'node:tls has no call for it',
      peerKeyUpdate: 'node:tls has no call for it; it answers ours',
    },
  },
  "Node's server": {
    role: 'server',
    cannot: {
      earlyData: 'node:tls has no call for it',
      peerKeyUpdate: 'node:tls has no call for it; it answers ours',
    },
  },
  Chromium: {
    tool: 'chromium',
    role: 'client',
    cannot: {
      peerEndsFirst: 'nothing in a page ends one side of a connection',
      weEndFirst: 'an answer that has ended ends the exchange',
      earlyData: 'it sends none unless it chooses to, and does not say',
      clientCertificate: "it takes one from the user's key store, by a dialog or a policy of the machine",
      peerKeyUpdate: 'it never begins one; it answers ours',
      renegotiation: 'it never asks for one',
    },
  },
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof PEERS;

/** The test of a cell, once for each version. */
export type Cell = (version: Version) => Promise<void>;
type Cells<P extends PeerName> = Readonly<
  Record<Exclude<CapabilityName, keyof (typeof PEERS)[P]['cannot']>, Cell>
>;

/** Registers the tests of one peer: each cell, over each version of TLS that has it. */
export function interop<P extends PeerName>(name: P, cells: Cells<P>): void {
  const { role, tool }: Peer = PEERS[name];
  describe.each(VERSIONS)(`our ${role === 'client' ? 'server' : 'client'} and ${name} over %s`, (version) => {
    beforeEach((context) => {
      if (tool !== undefined) needsTool(context, tool);
    });
    for (const [capability, cell] of Object.entries<Cell>(cells)) {
      const { title, only }: Capability = CAPABILITIES[capability as CapabilityName];
      if (only === undefined || only === version) it(title, () => cell(version));
    }
  });
}
