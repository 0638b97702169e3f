/** What the demo prints, and how it looks. */
import { styleText } from 'node:util';
import { loadNative } from '@sluice/core-native';
import type { ReactorStats, ShutdownReport } from '@sluice/reactor';
import type { DemoServers } from './servers.ts';

/** What one client saw, or which program is missing. */
export type StepReport = { readonly sealed: string; readonly outcome: string } | { readonly missing: string };

type Style = Parameters<typeof styleText>[0];

const isPlain = !process.stdout.isTTY || process.env['NO_COLOR'] !== undefined;
const paint = (style: Style, text: string) => (isPlain ? text : styleText(style, text));

export function opening({ echo, https }: DemoServers): void {
  const [openssl] = /OpenSSL \S+/.exec(loadNative().features().opensslVersion) ?? ['OpenSSL'];
  console.log(`\n${paint('bold', 'Sluice')} with ${openssl} of its own, on Node ${process.versions.node}`);
  console.log(`\n  TLS echo   ${echo.host}:${echo.port}`);
  console.log(`  HTTPS      https://${https.host}:${https.port}/`);
  console.log(`  ${paint('dim', 'one reactor, one self-signed certificate for localhost, made in memory')}`);
}

export function chapter(title: string): void {
  console.log(`\n${paint('bold', title)}`);
}

export function step(server: string, report: StepReport): void {
  if ('missing' in report) {
    return console.log(`  ${paint('yellow', '-')} ${report.missing} is not installed here: left out`);
  }
  console.log(`  ${paint('green', '✓')} ${server.padEnd(6)} ${report.sealed}`);
  console.log(`           ${report.outcome}`);
}

export function totals(stats: ReactorStats, requests: number): void {
  chapter('the reactor');
  console.log(
    `  ${stats.accepted} connections accepted, ${stats.handshakesFailed} refused, ${requests} requests served, ` +
      `${stats.events} events in ${stats.turns} turns`,
  );
}

export function failure(error: Error): void {
  console.log(`  ${paint('red', '✗')} ${error.message}`);
}

export function invitation({ echo, https }: DemoServers, caFile: string): void {
  chapter('try it yourself');
  console.log(`  openssl s_client -quiet -CAfile ${caFile} -connect ${echo.host}:${echo.port}`);
  console.log(`  curl --cacert ${caFile} https://${https.host}:${https.port}/`);
  console.log(`  curl --cacert ${caFile} https://${https.host}:${https.port}/ --data-binary @README.md`);
  console.log(`\nServing until Ctrl-C.`);
}

export function farewell({ drained, destroyed }: ShutdownReport): void {
  console.log(`\nClosed in order: ${drained} connections drained, ${destroyed} cut.`);
}
