/** How a load generator talks to the suite that started it. */

/** Tells `what`. */
export function say(what: object): void {
  process.send?.(what);
}

/** Tells `what` and ends, when the whole of it has left: a long answer does not fit into the channel at once. */
export function sayLast(what: object): void {
  process.send?.(what, () => process.exit(0));
}

/** Tells why it cannot go on, and ends; the first time only. */
export function fail(why: string): void {
  process.send?.({ failed: why }, () => process.exit(1));
}

/** Answers each question of the suite. */
export function answer(what: (question: string) => void): void {
  process.on('message', (question) => what(String(question)));
  process.channel?.ref();
}
