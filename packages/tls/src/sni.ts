/**
 * Which context serves which name (SNI, RFC 6066 section 3), changeable while it serves.
 *
 * Rule: a change is whole or not at all, and holds from the next ClientHello on; open connections keep what they have.
 */
import { loadNative, type NativeTlsContext, type NativeTlsNames } from '@sluice/core-native';
import { checkOptionNames, UsageError } from '@sluice/reactor';
import { canonicalPattern } from './server-name.ts';
import type { TlsContext } from './tls-context.ts';

/** Who is served whose name has no context. */
export interface SniOptions {
  /**
   * Serves who asks for no name, or for one that is not here. Without it those are refused with the alert
   * unrecognized_name (RFC 6066 section 3).
   */
  readonly default?: TlsContext;
  /**
   * Contexts by DNS name. `*.example.com` stands for one label in front of `example.com` (RFC 9525 section 6.3); a name
   * of its own goes before that. Case and a trailing dot do not count.
   */
  readonly names?: Readonly<Record<string, TlsContext>>;
}

/** Contexts by name. May serve any number of transports; throws `UsageError` (`ERR_OPTION_VALUE`) for a bad name. */
export function sniContexts(options: SniOptions = {}): SniContexts {
  return new SniContexts(options);
}

/** What a server's transport chooses from. Names are looked up by the addon: a handshake enters no JavaScript for it. */
export class SniContexts {
  /** @internal What sessions look names up in. */
  readonly native: NativeTlsNames;
  private readonly byName = new Map<string, TlsContext>();
  /** How many names have a context that takes early data. */
  private earlyNames = 0;
  private fallback: TlsContext | undefined;
  /** Begins handshakes where there is no default context. */
  private chooser: NativeTlsContext | undefined;

  constructor(options: SniOptions) {
    checkOptionNames('sniContexts', options, ['default', 'names']);
    const { TlsNames } = loadNative();
    this.native = new TlsNames();
    this.fallback = options.default;
    for (const [name, context] of Object.entries(options.names ?? {}))
      this.put(canonicalPattern(name), context);
  }

  /** Who serves everybody without a context of their own; undefined: nobody does. */
  get default(): TlsContext | undefined {
    return this.fallback;
  }

  /** The names that have a context, wildcards included, in the order in which they came. */
  get names(): readonly string[] {
    return [...this.byName.keys()];
  }

  /** @internal What handshakes begin with. */
  get base(): NativeTlsContext {
    if (this.fallback !== undefined) return this.fallback.native;
    const { TlsContext: NativeContext } = loadNative();
    this.chooser ??= new NativeContext({ role: 'server', chooser: true, sessionCacheSize: 256 });
    return this.chooser;
  }

  /** @internal Whether any of them takes early data. */
  get takeEarlyData(): boolean {
    return this.fallback?.takesEarlyData === true || this.earlyNames > 0;
  }

  /** @internal Whether the default context serves everybody. */
  get isSingle(): boolean {
    return this.fallback !== undefined && this.byName.size === 0;
  }

  /** The context of exactly this name or wildcard. */
  get(name: string): TlsContext | undefined {
    return this.byName.get(canonicalPattern(name));
  }

  /**
   * Gives a name a context. Throws `UsageError` (`ERR_OPTION_VALUE`) when it has one or is no name, and
   * `TlsContextError` where {@link TlsContext.check} does.
   */
  add(name: string, context: TlsContext): void {
    const canonical = canonicalPattern(name);
    if (this.byName.has(canonical)) throw usage(`'${name}' has a context already: use replace.`);
    context.check();
    this.put(canonical, context);
  }

  /** Gives a name another context; the old one stays when this throws, as {@link add} does or for a name without one. */
  replace(name: string, context: TlsContext): void {
    const canonical = canonicalPattern(name);
    if (!this.byName.has(canonical)) throw usage(`'${name}' has no context yet: use add.`);
    context.check();
    this.put(canonical, context);
  }

  /** Takes the context of a name away. False when it had none. */
  remove(name: string): boolean {
    const canonical = canonicalPattern(name);
    this.native.remove(canonical);
    this.countEarly(canonical, undefined);
    return this.byName.delete(canonical);
  }

  /**
   * Puts another context in the default one's place, or for undefined refuses from now on who asks for no name that is
   * here. The old one stays when this throws `TlsContextError`, as {@link TlsContext.check} does.
   */
  replaceDefault(context: TlsContext | undefined): void {
    context?.check();
    this.fallback = context;
  }

  private put(canonical: string, context: TlsContext): void {
    this.native.set(canonical, context.native);
    this.countEarly(canonical, context);
    this.byName.set(canonical, context);
  }

  private countEarly(canonical: string, next: TlsContext | undefined): void {
    const before = this.byName.get(canonical);
    this.earlyNames += Number(next?.takesEarlyData === true) - Number(before?.takesEarlyData === true);
  }
}

function usage(message: string): UsageError {
  return new UsageError('ERR_OPTION_VALUE', message);
}
