// Which network this page looks at: what its server says, or what the person chose.

import type { Backend } from "./backend";
import type { Hex } from "./model";

/** What `phat dev` serves beside the page, and what any host may put there as a file. */
export interface NetworkFile {
  node: string;
  genesis: Hex | null;
}

const CHOSEN = "phat.node";
/** Longest network file that is read, bytes. */
const FILE_BYTES_MAX = 64 * 1024;

export function isNodeUrl(text: string): boolean {
  try {
    const { protocol } = new URL(text);
    return protocol === "ws:" || protocol === "wss:";
  } catch {
    return false;
  }
}

/** The node in the address (`?node=…`), else the one chosen before, else the server's. */
export async function findNetwork(): Promise<NetworkFile | null> {
  const asked = new URLSearchParams(window.location.search).get("node");
  if (asked && isNodeUrl(asked)) return { node: asked, genesis: null };
  const chosen = localStorage.getItem(CHOSEN);
  if (chosen && isNodeUrl(chosen)) return { node: chosen, genesis: null };
  return servedNetwork();
}

async function servedNetwork(): Promise<NetworkFile | null> {
  try {
    const response = await fetch("./network.json", { cache: "no-store" });
    if (!response.ok) return null;
    const body = await response.text();
    if (body.length > FILE_BYTES_MAX) return null;
    const { node, genesis } = JSON.parse(body) as Record<string, unknown>;
    if (typeof node !== "string" || !isNodeUrl(node)) return null;
    const pinned = typeof genesis === "string" && /^(0x)?[0-9a-f]{64}$/i.test(genesis);
    return { node, genesis: pinned ? (`0x${genesis.replace(/^0x/, "")}` as Hex) : null };
  } catch {
    // No such file: the person says which network.
    return null;
  }
}

export function chooseNode(node: string | null): void {
  if (node) localStorage.setItem(CHOSEN, node);
  else localStorage.removeItem(CHOSEN);
}

/** The back end for a network. In development without a network it is the made-up one. */
export async function openBackend(network: NetworkFile | null): Promise<Backend | null> {
  if (network) return (await import("./chain-backend")).connect(network.node, network.genesis);
  if (import.meta.env.DEV) return (await import("../mock-api/mock-backend")).mockBackend();
  return null;
}
