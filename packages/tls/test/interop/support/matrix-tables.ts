/** The matrix as the tables of docs/interoperability.md. */
import { CAPABILITIES, type CapabilityName, PEERS, type Peer, VERSIONS } from './matrix.ts';

const capabilities = Object.keys(CAPABILITIES) as CapabilityName[];

/** A row for each peer: the versions that a cell is tested over. */
export function matrixTable(): string {
  const columns = capabilities.map((name) => CAPABILITIES[name].column);
  const head = ['peer', 'as', ...columns];
  const rows = Object.entries(PEERS).map(([name, { role, cannot }]) => [
    name,
    role,
    ...capabilities.map((capability) => (capability in cannot ? '–' : versionsOf(capability))),
  ]);
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** What the peers cannot do, or not wholly, and why. */
export function reasonsTable(): string {
  const rows = Object.entries<Peer>(PEERS).flatMap(([name, { cannot, short = {} }]) =>
    Object.entries({ ...short, ...cannot }).map(([capability, reason]) => {
      const { column } = CAPABILITIES[capability as CapabilityName];
      return `| ${name} | ${column} | ${reason} |`;
    }),
  );
  return ['| peer | what | why not, or not whole |', '|---|---|---|', ...rows].join('\n');
}

function versionsOf(name: CapabilityName): string {
  const capability = CAPABILITIES[name];
  const versions = 'only' in capability ? [capability.only] : VERSIONS;
  return versions.map((version) => version.slice('TLSv'.length)).join(' ');
}
