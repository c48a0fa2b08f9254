// The treasury: what it has, what was voted and is to be paid, bounties and tips.

import type { Bounty, Spend, Tip, Treasury } from "../api/governance";
import { useBackend, useLoaded, useSending } from "../api/hooks";
import { amount, count } from "../ui/format";
import { Badge, Button, Card, Empty, Failure, Figure, Figures, Key, Loading, Page, Table } from "../ui/kit";
import { NeedsAccount, SendingState } from "../ui/signing";
import { blocksLong, NoGovernance } from "../ui/voting";

const TREASURY_MS = 6_000;

export function TreasuryPage() {
  const { identity } = useBackend();
  return (
    <Page title="Treasury" lead="Fees, shares of what workers earn, and deposits of the killed. Votes spend it.">
      {identity.hasGovernance ? <Whole /> : <NoGovernance />}
    </Page>
  );
}

/** How a spend stands at a block. */
export function spendState(spend: Spend, block: number): "paid" | "ready" | "early" | "lapsed" {
  if (spend.status === "attempted") return "paid";
  if (block >= spend.expireAt) return "lapsed";
  return block < spend.validFrom ? "early" : "ready";
}

function Whole() {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const treasury = useLoaded("treasury", () => backend.treasury(), TREASURY_MS);
  if (treasury.error !== null && !treasury.value)
    return <Failure error={treasury.error} what="The treasury could not be read" retry={treasury.reload} />;
  if (!treasury.value)
    return (
      <div className="card">
        <Loading what="the treasury" lines={6} />
      </div>
    );
  const { value } = treasury;
  const pha = (money: bigint) => amount(money, decimals, 2);
  const ready = value.spends.filter((spend) => spendState(spend, value.block) === "ready");
  return (
    <>
      <Figures>
        <Figure label="Balance" value={pha(value.balance)} unit={symbol} />
        <Figure
          label="To be paid"
          value={pha(ready.reduce((sum, spend) => sum + spend.amount, 0n))}
          unit={symbol}
          note={`${count(ready.length)} approved`}
        />
        <Figure label="Bounties" value={count(value.bounties.length)} />
        <Figure label="Tips" value={count(value.tips.length)} />
      </Figures>
      <Spends treasury={value} onDone={treasury.reload} />
      {value.bounties.length > 0 && (
        <Card title="Bounties" flush>
          <Table<Bounty>
            caption="Bounties"
            rows={value.bounties}
            keyOf={(bounty) => bounty.index}
            columns={[
              { label: "Bounty", name: "Bounty", cell: (bounty) => bounty.description || `Bounty ${bounty.index}` },
              { label: "Worth", name: "Worth", end: true, cell: (bounty) => `${pha(bounty.value)} ${symbol}` },
              { label: "State", name: "State", cell: (bounty) => <Badge>{spaced(bounty.state)}</Badge> },
            ]}
          />
        </Card>
      )}
      {value.tips.length > 0 && (
        <Card title="Tips" flush>
          <Table<Tip>
            caption="Tips"
            rows={value.tips}
            keyOf={(tip) => tip.id}
            columns={[
              { label: "For", name: "For", cell: (tip) => <Key of={tip.who} what="the account" /> },
              { label: "Reason", name: "Reason", cell: (tip) => tip.reason },
              { label: "Said by", name: "Said by", end: true, cell: (tip) => count(tip.tips) },
              {
                label: "Closes",
                name: "Closes",
                cell: (tip) => (tip.closes === null ? "not yet" : `at block ${count(tip.closes)}`),
              },
            ]}
          />
        </Card>
      )}
    </>
  );
}

/** `CuratorProposed` as people read it. */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function Spends({ treasury, onDone }: { treasury: Treasury; onDone: () => void }) {
  const { symbol, decimals } = useBackend().identity;
  const sending = useSending();
  const when = (spend: Spend) => {
    switch (spendState(spend, treasury.block)) {
      case "paid":
        return <Badge tone="good">paid</Badge>;
      case "lapsed":
        return <Badge tone="bad">lapsed</Badge>;
      case "early":
        return <>from block {count(spend.validFrom)}</>;
      case "ready":
        return (
          <span className="small">
            for {blocksLong(spend.expireAt - treasury.block, treasury.blockMs)} more
            {spend.status === "failed" && "; the last try failed"}
          </span>
        );
    }
  };
  return (
    <Card
      title="Approved spends"
      note="What a vote approved is paid when somebody asks for it; anybody may, and pays the fee."
      flush
    >
      {treasury.spends.length === 0 ? (
        <Empty icon="treasury" title="Nothing is approved">
          <p>
            A spend is proposed as a referendum on one of the <a href="#/governance">spenders’ tracks</a>.
          </p>
        </Empty>
      ) : (
        <WithProgress sending={sending}>
          <Table<Spend>
            caption="Approved spends"
            rows={treasury.spends}
            keyOf={(spend) => spend.index}
            columns={[
              { label: "Spend", name: "Spend", cell: (spend) => `Spend ${spend.index}` },
              { label: "For", name: "For", cell: (spend) => <Key of={spend.beneficiary} what="who gets it" /> },
              {
                label: "Amount",
                name: "Amount",
                end: true,
                cell: (spend) => `${amount(spend.amount, decimals)} ${symbol}`,
              },
              { label: "May be paid", name: "May be paid", cell: when },
              {
                label: "Pay",
                name: "Pay",
                cell: (spend) =>
                  spendState(spend, treasury.block) === "ready" ? (
                    <NeedsAccount what="have it paid">
                      {(signedIn) => (
                        <Button
                          size="small"
                          busy={sending.step !== null}
                          onClick={() =>
                            void sending
                              .send(
                                { pallet: "Treasury", call: "payout", arguments: { index: spend.index } },
                                signedIn.account,
                              )
                              .then((sent) => sent && onDone())
                          }
                        >
                          Have spend {spend.index} paid
                        </Button>
                      )}
                    </NeedsAccount>
                  ) : (
                    "–"
                  ),
              },
            ]}
          />
        </WithProgress>
      )}
    </Card>
  );
}

function WithProgress({ sending, children }: { sending: ReturnType<typeof useSending>; children: React.ReactNode }) {
  return (
    <div className="stack">
      {children}
      <div style={{ padding: "0 18px" }}>
        <SendingState sending={sending} success="It is paid" failure="It was not paid" />
      </div>
    </div>
  );
}
