/** The matrix as the tables of docs/interoperability.md. */
import { CAPABILITIES, type CapabilityName, PEERS, VERSIONS } from './matrix.ts';

const capabilities = Object.keys(CAPABILITIES) as CapabilityName[];

/** A row for each peer; a number stands for a reason. */
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

/** What the peers cannot do, and why. */
export function reasonsTable(): string {
  const rows = Object.entries(PEERS).flatMap(([name, { cannot }]) =>
    Object.entries(cannot).map(([capability, reason]) => {
      const { column } = CAPABILITIES[capability as CapabilityName];
      return `| ${name} | ${column} | ${reason} |`;
    }),
  );
  return ['| peer | what | why not |', '|---|---|---|', ...rows].join('\n');
}

function versionsOf(name: CapabilityName): string {
  const capability = CAPABILITIES[name];
  const versions = 'only' in capability ? [capability.only] : VERSIONS;
  return versions.map((version) => version.slice('TLSv'.length)).join(' ');
}
