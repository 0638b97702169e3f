/** The one line that every example server prints, for people and for programs that wait for it. */
export function sayListening(address: string, port: number): void {
  console.log(`listening on ${address.includes(':') ? `[${address}]` : address}:${port}`);
}
