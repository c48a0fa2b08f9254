// Who signs: a wallet's account, or a development account on a development network.

import { accountFromSecret, connectWallet, wallets, type Account, type WalletInfo } from "@phat/client";

export type { Account, WalletInfo };

/** An account as the page keeps it. */
export interface SignedIn {
  account: Account;
  /** The wallet's name; null for a development account. */
  wallet: string | null;
}

/** Their secrets are public: every development network gives them money, no other network does. */
const DEVELOPMENT_NAMES = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"];

export function developmentAccounts(): Account[] {
  return DEVELOPMENT_NAMES.map((name) => accountFromSecret(`//${name}`, { name }));
}

/** The browser's wallets, by the extension protocol (`window.injectedWeb3`). */
export function installedWallets(): WalletInfo[] {
  return wallets();
}

/** Asks a wallet for its accounts; the person decides there which ones this page sees. */
export async function walletAccounts(name: string): Promise<Account[]> {
  return (await connectWallet(name, "Phat console")).accounts;
}
