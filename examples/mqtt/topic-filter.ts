/** Names of topics, and the filters of those who want to hear of them (MQTT 3.1.1, section 4.7). */

/** The standard has 65,535 bytes; looking through longer ones would cost others their time. */
const MAX_CHARACTERS = 256;
const MAX_LEVELS = 16;

/** Whether it may name a topic: `house/kitchen/temperature`. */
export function isTopic(text: string): boolean {
  return isShort(text) && !/[+#]/.test(text);
}

/** Whether it is a filter: `+` stands for one level as a whole, `#` for all further ones, the one before it included. */
export function isFilter(text: string): boolean {
  const levels = text.split('/');
  const isLevel = (level: string, n: number) =>
    level === '+' || (level === '#' && n === levels.length - 1) || !/[+#]/.test(level);
  return isShort(text) && levels.every(isLevel);
}

function isShort(text: string): boolean {
  return text !== '' && text.length <= MAX_CHARACTERS && text.split('/').length <= MAX_LEVELS;
}

/** Whether `filter` wants to hear of `topic`. Those with a dollar in front are for who asks for them by name. */
export function matches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [n, level] of wanted.entries()) {
    if (level === '#') return true;
    if (n === levels.length || (level !== '+' && level !== levels[n])) return false;
  }
  return wanted.length === levels.length;
}
