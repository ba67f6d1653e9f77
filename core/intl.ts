/** Whether the runtime's `Intl` knows this language tag of BCP 47. */
export const isLocale = (tag: string): boolean => isKnown(() => Intl.getCanonicalLocales(tag));

/** Whether the runtime's `Intl` knows this time zone of the IANA data base. */
export const isTimeZone = (name: string): boolean =>
  isKnown(() => new Intl.DateTimeFormat('en', { timeZone: name }));

/** `Intl` throws a `RangeError` for what it does not know. */
function isKnown(probe: () => unknown): boolean {
  try {
    probe();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
