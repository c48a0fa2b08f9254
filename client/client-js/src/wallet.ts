/** Browser extensions that sign: the protocol of `window.injectedWeb3`. */

import { connectInjectedExtension, type InjectedPolkadotAccount } from "polkadot-api/pjs-signer";
import { accountFromSigner, type Account } from "./account.js";
import { PhatError, SigningRefused, Unsupported, textOf } from "./errors.js";

/** An extension that is there. */
export interface WalletInfo {
  name: string;
  version?: string;
}

/** An extension that lets this page see its accounts. */
export interface Wallet {
  readonly name: string;
  /** Its accounts that can be used: sr25519 and ed25519. */
  readonly accounts: Account[];
  /** Calls when accounts come or go; gives what ends that. */
  onChange(listener: (accounts: Account[]) => void): () => void;
  disconnect(): void;
}

interface Injected {
  version?: string;
}

function injected(): Record<string, Injected | undefined> {
  const page = globalThis as { injectedWeb3?: Record<string, Injected | undefined> };
  return page.injectedWeb3 ?? {};
}

/** The extensions that this page can see. They may appear a moment after the page has loaded. */
export function wallets(): WalletInfo[] {
  return Object.entries(injected()).map(([name, wallet]) => ({
    name,
    ...(wallet?.version !== undefined && { version: wallet.version }),
  }));
}

/**
 * Asks an extension for its accounts; a person is asked whether this page may see them.
 *
 * @param app how this page calls itself to that person
 */
export async function connectWallet(name: string, app: string): Promise<Wallet> {
  if (injected()[name] === undefined) {
    const known = wallets().map((wallet) => wallet.name);
    const there = known.length > 0 ? `there are: ${known.join(", ")}` : "install one and load the page again";
    throw new Unsupported(`this browser has no wallet ${name}; ${there}`);
  }
  let extension: Awaited<ReturnType<typeof connectInjectedExtension>>;
  try {
    extension = await connectInjectedExtension(name, app);
  } catch (error) {
    if (error instanceof PhatError) throw error;
    throw new SigningRefused("in", textOf(error), { cause: error });
  }
  const usable = () => extension.getAccounts().flatMap(accountOf);
  return {
    name,
    get accounts() {
      return usable();
    },
    onChange: (listener) => extension.subscribe((accounts) => listener(accounts.flatMap(accountOf))),
    disconnect: () => extension.disconnect(),
  };
}

function accountOf(account: InjectedPolkadotAccount): Account[] {
  const { type, name, address, polkadotSigner } = account;
  if (type !== "sr25519" && type !== "ed25519") return [];
  return [accountFromSigner({ address, kind: type, signer: polkadotSigner, ...(name !== undefined && { name }) })];
}
