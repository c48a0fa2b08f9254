// What surrounds a transaction: who signs, what it costs, where it is, how it ended.

import type { ReactNode } from "react";
import type { SignedIn } from "../api/accounts";
import type { ChainCall, Progress } from "../api/backend";
import { useBackend, useLoaded, useShared, type Sending } from "../api/hooks";
import { accountName } from "./account-button";
import { amount, count } from "./format";
import { Icon } from "./icons";
import { Failure, Notice } from "./kit";

const STEPS: { step: Progress; text: string }[] = [
  { step: "signing", text: "Signing" },
  { step: "sent", text: "Sent" },
  { step: "included", text: "In a block" },
  { step: "final", text: "Final" },
];

/** Shows its content to who is signed in; else says how to be. */
export function NeedsAccount({ what, children }: { what: string; children: (signedIn: SignedIn) => ReactNode }) {
  const signedIn = useShared((state) => state.signedIn);
  if (signedIn) return children(signedIn);
  return (
    <Notice tone="quiet" title={`Connect an account to ${what}`}>
      Use “Connect” at the top of the page: a wallet of your browser signs, its keys stay there.
    </Notice>
  );
}

export function SendingState({ sending, success, failure }: { sending: Sending; success: ReactNode; failure: string }) {
  const { step, error, done } = sending;
  if (error !== null) return <Failure error={error} what={failure} />;
  if (done)
    return (
      <Notice tone="good" title={success} live>
        Final since block {count(done.block)}.
      </Notice>
    );
  if (!step) return null;
  const reached = STEPS.findIndex((one) => one.step === step);
  return (
    <ol className="steps" role="status" aria-label="Progress">
      {STEPS.map((one, place) => (
        <li key={one.step} className={place < reached ? "done" : place === reached ? "now" : undefined}>
          {place < reached ? <Icon name="check" /> : <span className={place === reached ? "dot live good" : "dot"} />}
          {one.text}
        </li>
      ))}
    </ol>
  );
}

/** What a call costs its sender, asked from the chain; nothing where it cannot say. */
export function Fee({ call, signedIn }: { call: ChainCall | null; signedIn: SignedIn }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const key = call
    ? JSON.stringify([call, signedIn.account.address], (_, value) =>
        typeof value === "bigint" ? value.toString() : value,
      )
    : "";
  const fee = useLoaded(key, () => (call ? backend.fee(call, signedIn.account) : Promise.resolve(null)));
  return (
    <span className="small quiet">
      Signed by {accountName(signedIn)}
      {fee.value != null && (
        <>
          , fee about <span className="number">{amount(fee.value, decimals, 4)}</span> {symbol}
        </>
      )}
    </span>
  );
}
