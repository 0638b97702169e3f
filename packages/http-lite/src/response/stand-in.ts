/**
 * Objects that stand for one of the platform's until that is needed.
 *
 * Rule: a member that the stand-in does not have itself is the full object's, whatever it is and whichever Node has it.
 */

/**
 * Gives `prototype` all else that `sample`, one of the platform's objects, has: its members, and the slots in which undici
 * keeps its state. They ask the object that `full` makes. `instanceof` and `constructor` are the platform's then.
 */
export function standInFor<Self>(prototype: object, sample: object, full: (self: Self) => object): void {
  const own = new Set<PropertyKey>(Reflect.ownKeys(prototype));
  const source = Object.getPrototypeOf(sample) as object;
  for (const key of [...Reflect.ownKeys(source), ...Object.getOwnPropertySymbols(sample)]) {
    if (own.has(key)) continue;
    const { value } = Object.getOwnPropertyDescriptor(source, key) ?? {};
    // `Symbol.toStringTag` and the like are inherited.
    if (typeof value !== 'function' && value !== undefined) continue;
    Object.defineProperty(prototype, key, {
      configurable: true,
      ...(typeof value === 'function' ? { value: call(key, full), writable: true } : { get: ask(key, full) }),
    });
  }
  Reflect.deleteProperty(prototype, 'constructor');
  Object.setPrototypeOf(prototype, source);
}

function call<Self>(key: PropertyKey, full: (self: Self) => object): (...args: unknown[]) => unknown {
  return function (this: Self, ...args: unknown[]) {
    const object = full(this);
    return Reflect.apply(Reflect.get(object, key) as (...args: unknown[]) => unknown, object, args);
  };
}

function ask<Self>(key: PropertyKey, full: (self: Self) => object): () => unknown {
  return function (this: Self) {
    return Reflect.get(full(this), key);
  };
}
