/**
 * Dates of header fields (RFC 9110 §5.6.7), to the second.
 *
 * Rule: one form is written, three are read, and what is none of them is no date.
 */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

const FORMS = [
  /** `Sun, 06 Nov 1994 08:49:37 GMT`: what everybody sends. */
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  /** `Sunday, 06-Nov-94 08:49:37 GMT`: RFC 850. */
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<shortYear>\\d\\d) ${TIME} GMT$`),
  /** `Sun Nov  6 08:49:37 1994`: asctime(3). */
  new RegExp(`^${DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/** Milliseconds since 1970, as a header field says them: the rest of the second is lost. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** Milliseconds since 1970; undefined for what is no date. `nowMs` settles the century of a year of two digits. */
export function parseHttpDate(text: string, nowMs = Date.now()): number | undefined {
  for (const form of FORMS) {
    const fields = form.exec(text)?.groups;
    if (fields !== undefined) return timeOf(fields, nowMs);
  }
  return undefined;
}

function timeOf(fields: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const number = (name: string) => Number(fields[name]);
  const month = MONTHS.indexOf(fields['month'] ?? '');
  const year = fields['shortYear'] === undefined ? number('year') : wholeYear(number('shortYear'), nowMs);
  const day = number('day');
  // 60 is a leap second; a day of a later month than the one named is none at all.
  if (number('hour') > 23 || number('minute') > 59 || number('second') > 60) return undefined;
  const ms = Date.UTC(year, month, day, number('hour'), number('minute'), number('second'));
  return new Date(Date.UTC(year, month, day)).getUTCDate() === day ? ms : undefined;
}

/** More than fifty years ahead means the last century that had such a year. */
function wholeYear(shortYear: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + shortYear;
  return year > thisYear + 50 ? year - 100 : year;
}
