// Routes live in the address's fragment, so that any static host serves every page from one file.

import { useSyncExternalStore } from "react";

export type Route =
  | { page: "overview" }
  | { page: "map" }
  | { page: "workers" }
  | { page: "worker"; id: string }
  | { page: "pools" }
  | { page: "pool"; id: number }
  | { page: "contracts" }
  | { page: "contract"; id: string }
  | { page: "governance" }
  | { page: "referendum"; id: number }
  | { page: "treasury" }
  | { page: "deploy" }
  | { page: "verify" }
  | { page: "network" }
  | { page: "unknown"; path: string };

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "").replace(/\/+$/, "");
  const [first = "", second, ...rest] = path.split("/").map(decode);
  if (rest.length === 0) {
    switch (first) {
      case "":
        if (second === undefined) return { page: "overview" };
        break;
      case "map":
      case "governance":
      case "treasury":
      case "deploy":
      case "verify":
      case "network":
        if (second === undefined) return { page: first };
        break;
      case "workers":
        return second === undefined ? { page: "workers" } : { page: "worker", id: second.toLowerCase() };
      case "contracts":
        return second === undefined ? { page: "contracts" } : { page: "contract", id: second.toLowerCase() };
      case "pools":
        if (second === undefined) return { page: "pools" };
        if (/^\d{1,15}$/.test(second)) return { page: "pool", id: Number(second) };
        break;
      case "referenda":
        if (second === undefined) return { page: "governance" };
        if (/^\d{1,9}$/.test(second)) return { page: "referendum", id: Number(second) };
        break;
      default:
    }
  }
  return { page: "unknown", path };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray % in an address: taken as it stands.
    return part;
  }
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => window.location.hash);
}

export function go(path: string): void {
  window.location.hash = path;
}
