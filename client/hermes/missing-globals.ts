/**
 * What the tests and their assertions need and Hermes 0.12 lacks. The client uses nothing of it: the example of the README runs
 * without this module.
 */
class StrongRef {
  readonly #value: unknown;
  constructor(value: unknown) {
    this.#value = value;
  }
  deref(): unknown {
    return this.#value;
  }
}
class NoRegistry {
  register(): void {}
  unregister(): void {}
}
class SilentTarget {
  addEventListener(): void {}
  dispatchEvent(): void {}
}
Object.assign(globalThis, {
  WeakRef: StrongRef,
  FinalizationRegistry: NoRegistry,
  EventTarget: SilentTarget,
  Event: class {},
  Blob: class {},
});
