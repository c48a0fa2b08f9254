// What packages made for older bundlers expect to be there.
export { Buffer } from 'buffer'
export const process = { env: {}, nextTick: (work, ...values) => queueMicrotask(() => work(...values)), browser: true, version: '' }
