/** The package `ws`, of which only its class with the browser's interface is used. */
declare module "ws" {
  export const WebSocket: typeof globalThis.WebSocket;
}
