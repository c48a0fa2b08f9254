// What scripts find beside the language itself. Runs once, before any script; the realm as it is
// afterwards is what each evaluation begins with.
(function (encodeUtf8, decodeUtf8) {
  "use strict";

  const wellFormed = Function.prototype.call.bind(String.prototype.toWellFormed);
  const isView = ArrayBuffer.isView;
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });

  define(
    "TextEncoder",
    class TextEncoder {
      get encoding() {
        return "utf-8";
      }

      encode(text = "") {
        return encodeUtf8(wellFormed(String(text)));
      }
    },
  );

  define(
    "TextDecoder",
    class TextDecoder {
      #fatal;
      #ignoreBOM;

      constructor(label = "utf-8", options = {}) {
        if (!["utf-8", "utf8"].includes(String(label).trim().toLowerCase())) {
          throw new RangeError("TextDecoder: the only encoding here is utf-8");
        }
        this.#fatal = Boolean(options.fatal);
        this.#ignoreBOM = Boolean(options.ignoreBOM);
      }

      get encoding() {
        return "utf-8";
      }

      get fatal() {
        return this.#fatal;
      }

      get ignoreBOM() {
        return this.#ignoreBOM;
      }

      decode(input, options = {}) {
        if (options.stream) {
          throw new TypeError("TextDecoder: streams are not supported");
        }
        if (input === undefined) {
          return "";
        }
        const bytes = isView(input)
          ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
          : new Uint8Array(input);
        return decodeUtf8(bytes, this.#fatal, this.#ignoreBOM);
      }
    },
  );

  // Nobody reads what a script prints; that it prints must not stop it.
  const ignore = () => {};
  define(
    "console",
    Object.fromEntries(
      ["debug", "error", "info", "log", "trace", "warn"].map((name) => [name, ignore]),
    ),
  );
});
