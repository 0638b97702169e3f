/**
 * Whose parser reads the heads of a connection: the one that all share, or its own while a head is here in part.
 *
 * Rule: a connection that waits for a request keeps no parser.
 */
import type { HttpSettings } from '../http-settings.ts';
import { HeadParser } from './parser.ts';

export class PartialHead {
  readonly #settings: HttpSettings;
  #own: HeadParser | undefined = undefined;

  constructor(settings: HttpSettings) {
    this.#settings = settings;
  }

  /** The parser that the next bytes of a head are for. */
  get parser(): HeadParser {
    return this.#own ?? this.#settings.parser;
  }

  /** Empty lines are here (RFC 9112 §2.2), and nothing else: no head has begun. */
  get isBlank(): boolean {
    return this.#own?.state === 'start';
  }

  /** A part of a head is here. */
  get hasBegun(): boolean {
    return this.#own !== undefined && this.#own.state !== 'start';
  }

  /** Whether what is here says that it is a HEAD request. */
  get isToHead(): boolean {
    return this.#own?.state === 'fields' && this.#own.line.method === 'HEAD';
  }

  /** The head that {@link parser} reads is not here whole: others get another parser. */
  keep(): void {
    if (this.#own !== undefined) return;
    const settings = this.#settings;
    this.#own = settings.parser;
    settings.parser = new HeadParser(settings.limits, settings.arena);
  }

  /** Nothing of a head is here any more. */
  clear(): void {
    this.#own = undefined;
  }
}
