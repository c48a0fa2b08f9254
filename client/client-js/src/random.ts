/** Randomness, of which tests give their own. */

/** Gives so many unpredictable bytes. */
export type Random = (length: number) => Uint8Array<ArrayBuffer>;

/** The platform's. */
export const secureRandom: Random = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length));
