/** What a program prints, and waiting for a part of it. */
import type { Tool } from '@sluice-internal/foreign-programs';

/** How far back a match may begin before the bytes that complete it; bodies of megabytes are not searched again. */
const OVERLAP = 4096;

export class Printed {
  private readonly tool: Tool;
  private pieces: string[] = [];
  /** The end of what `pieces` are together: the last of them, and a little of what was before. */
  private tail = '';
  private look = (): void => {};

  /** To be made in the turn in which the tool is started. */
  constructor(tool: Tool) {
    this.tool = tool;
    tool.child.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.pieces.push(text);
      this.tail = this.tail.slice(-OVERLAP) + text;
      this.look();
    });
  }

  /**
   * What was printed on standard output since the last call, a character for each byte, up to the end of what matches
   * `pattern`. Rejects where the tool ends without.
   */
  async until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.look = () => {
        const match = pattern.exec(this.tail);
        if (match === null) return;
        this.look = () => {};
        const text = this.pieces.join('');
        const end = text.length - this.tail.length + match.index + match[0].length;
        this.pieces = [text.slice(end)];
        this.tail = text.slice(end);
        resolve(text.slice(0, end));
      };
      this.look();
      void this.tool.ended.then(({ stderr }) => {
        reject(new Error(`it ended without ${pattern}: ${this.tail}${stderr}`));
      });
    });
  }

  /** What was printed since the last call, once the tool has ended. */
  async rest(): Promise<string> {
    await this.tool.ended;
    return this.pieces.join('');
  }
}
