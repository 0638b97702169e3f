/** Reads what a server sent, for tests: strict enough to notice an answer that is not whole. */

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The answers in `wire` (Latin-1), in order. `methods` are those of the requests, for HEAD; an answer without length is
 * taken to end with the text. Throws when the last answer is cut.
 */
export function parseAnswers(wire: string, methods: readonly string[] = []): Answer[] {
  const answers: Answer[] = [];
  let rest = wire;
  let final = 0;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`a head is cut: ${JSON.stringify(rest)}`);
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
    const headers = Object.fromEntries(lines.map(splitLine));
    rest = rest.slice(end + 4);
    const toHead = status >= 200 && methods[final] === 'HEAD';
    const [body, after] = toHead || hasNoBody(status) ? ['', rest] : readBody(headers, rest);
    if (status >= 200) final++;
    answers.push({ status, headers, body });
    rest = after;
  }
  return answers;
}

function splitLine(line: string): [string, string] {
  const colon = line.indexOf(': ');
  if (colon < 1) throw new Error(`no header line: ${JSON.stringify(line)}`);
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
}

function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

function readBody(headers: Readonly<Record<string, string>>, text: string): [body: string, after: string] {
  if (headers['transfer-encoding'] === 'chunked') return readChunks(text);
  const declared = headers['content-length'];
  if (declared === undefined) return [text, ''];
  const length = Number(declared);
  if (text.length < length) throw new Error(`a body is cut: ${text.length} of ${length}`);
  return [text.slice(0, length), text.slice(length)];
}

function readChunks(text: string): [body: string, after: string] {
  let body = '';
  let rest = text;
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/.exec(rest);
    if (line === null) throw new Error(`no chunk line: ${JSON.stringify(rest)}`);
    const size = Number.parseInt(line[1]!, 16);
    if (size === 0) return [body, afterTrailers(rest.slice(line[0].length))];
    const data = rest.slice(line[0].length, line[0].length + size);
    rest = rest.slice(line[0].length + size);
    if (data.length < size || !rest.startsWith('\r\n')) throw new Error('a chunk is cut');
    rest = rest.slice(2);
    body += data;
  }
}

function afterTrailers(text: string): string {
  const section = /^(?:[^\r\n:]+: [^\r\n]*\r\n)*\r\n/.exec(text);
  if (section === null) throw new Error(`the trailer section is cut: ${JSON.stringify(text)}`);
  return text.slice(section[0].length);
}
