// Choosing who signs: an account of a wallet, or a development account on a development network.

import { useEffect, useState } from "react";
import { developmentAccounts, installedWallets, walletAccounts, type Account, type SignedIn } from "../api/accounts";
import { useBackend, useLoaded, useShared, useStore } from "../api/hooks";
import { amount, short } from "./format";
import { Icon } from "./icons";
import { Button, Dialog, Failure, KeyMark, Notice } from "./kit";

export function AccountButton() {
  const signedIn = useShared((state) => state.signedIn);
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        {signedIn ? <KeyMark of={signedIn.account.address} /> : <Icon name="account" />}
        {signedIn ? accountName(signedIn) : "Connect"}
      </Button>
      <AccountDialog open={open} onClose={() => setOpen(false)} />
    </>
  );
}

export function accountName({ account }: SignedIn): string {
  return account.name ?? short(account.address, 5);
}

function AccountDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const store = useStore();
  const { identity } = store.backend;
  const signedIn = useShared((state) => state.signedIn);
  const [wallet, setWallet] = useState<{ name: string; accounts: Account[] } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asking, setAsking] = useState<string | null>(null);
  const [installed, setInstalled] = useState(installedWallets);
  // Extensions announce themselves some time after the page.
  useEffect(() => {
    if (open) setInstalled(installedWallets());
  }, [open]);
  const choose = (account: Account, from: string | null) => {
    store.signIn({ account, wallet: from });
    onClose();
  };
  const ask = async (name: string) => {
    setAsking(name);
    setError(null);
    try {
      setWallet({ name, accounts: await walletAccounts(name) });
    } catch (refused) {
      setError(refused);
    }
    setAsking(null);
  };
  return (
    <Dialog open={open} onClose={onClose} title="Who are you here?">
      <p className="small quiet">
        You need an account to deploy, to send commands and to stake. Looking around and checking receipts needs none.
      </p>
      {signedIn && <Current signedIn={signedIn} leave={() => store.signIn(null)} />}
      <section className="stack">
        <h3>Wallets in this browser</h3>
        {installed.length === 0 && (
          <Notice tone="quiet" title="No wallet was found">
            Install Talisman, SubWallet or the polkadot.js extension, then load this page again.
          </Notice>
        )}
        {installed.map(({ name }) => (
          <div key={name} className="stack">
            <button type="button" className="choice" aria-busy={asking === name} onClick={() => void ask(name)}>
              <Icon name="account" />
              <span>
                {name}
                <small>{asking === name ? "Look at your wallet: it asks for your leave" : "Show its accounts"}</small>
              </span>
            </button>
            {wallet?.name === name && wallet.accounts.length === 0 && (
              <Notice tone="warn">The wallet shows this page no account. Allow one in its settings.</Notice>
            )}
            {wallet?.name === name &&
              wallet.accounts.map((account) => (
                <Choice
                  key={account.address}
                  account={account}
                  chosen={signedIn?.account.address === account.address}
                  onChoose={() => choose(account, name)}
                />
              ))}
          </div>
        ))}
        {error !== null && <Failure error={error} what="The wallet gave no accounts" />}
      </section>
      {identity.development && (
        <section className="stack">
          <h3>Development accounts</h3>
          <p className="small quiet">
            Everybody knows their secrets. They have money on development networks only, and are offered on those alone.
          </p>
          <div className="choices">
            {developmentAccounts().map((account) => (
              <Choice
                key={account.address}
                account={account}
                chosen={signedIn?.account.address === account.address}
                onChoose={() => choose(account, null)}
              />
            ))}
          </div>
        </section>
      )}
    </Dialog>
  );
}

function Choice({ account, chosen, onChoose }: { account: Account; chosen: boolean; onChoose: () => void }) {
  return (
    <button type="button" className="choice" aria-pressed={chosen} onClick={onChoose}>
      <KeyMark of={account.address} />
      <span>
        {account.name ?? "Account"}
        <small className="mono">{account.address}</small>
      </span>
    </button>
  );
}

function Current({ signedIn, leave }: { signedIn: SignedIn; leave: () => void }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const { address } = signedIn.account;
  const money = useLoaded(`money ${address}`, () => backend.money(address));
  return (
    <div className="notice good">
      <Icon name="check" />
      <div>
        <strong>{accountName(signedIn)}</strong>
        <span className="small">
          {money.value ? `${amount(money.value.free, decimals, 2)} ${symbol} free` : "…"}
          {money.value && money.value.held > 0n ? `, ${amount(money.value.held, decimals, 2)} ${symbol} held` : ""}
        </span>
        <div className="row">
          <Button size="small" onClick={leave}>
            Sign out
          </Button>
        </div>
      </div>
    </div>
  );
}
