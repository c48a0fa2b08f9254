// One pool: what it is worth and earns, who waits, what its workers do; delegating and leaving.

import { useState } from "react";
import type { Account } from "../api/accounts";
import { useBackend, useLoaded, useSending, useShared, type Loaded } from "../api/hooks";
import { price, sharesFor, sharesWorth, yearly } from "../api/pool-math";
import type { Delegation, PoolDetail, Worker } from "../api/model";
import { amount, clock, count, decimal, parseAmount, percent, span } from "../ui/format";
import {
  Badge,
  Button,
  Card,
  Empty,
  Facts,
  Failure,
  Figure,
  Figures,
  Key,
  Loading,
  Notice,
  Page,
  Table,
  Term,
  TextField,
  hexKey,
} from "../ui/kit";
import { LinePlot } from "../ui/plot";
import { Fee, NeedsAccount, SendingState } from "../ui/signing";
import { NoPools } from "./pools";
import { timeLabel } from "./worker";

const POOL_MS = 5_000;
const HISTORY_MS = 15_000;
const PALLET = "PhalaStakePoolv2";

export function PoolPage({ id }: { id: number }) {
  const backend = useBackend();
  const detail = useLoaded(
    `pool ${id}`,
    () => (backend.identity.hasEconomy ? backend.pool(id) : Promise.resolve(null)),
    POOL_MS,
  );
  const crumbs = (
    <>
      <a href="#/pools">Pools</a> / {id}
    </>
  );
  if (!backend.identity.hasEconomy)
    return (
      <Page title={`Pool ${id}`} crumbs={crumbs}>
        <NoPools />
      </Page>
    );
  if (detail.error !== null && !detail.value)
    return (
      <Page title={`Pool ${id}`} crumbs={crumbs}>
        <Failure error={detail.error} what="The pool could not be read" retry={detail.reload} />
      </Page>
    );
  if (detail.value === undefined)
    return (
      <Page title={`Pool ${id}`} crumbs={crumbs}>
        <div className="card">
          <Loading what="the pool" lines={6} />
        </div>
      </Page>
    );
  if (detail.value === null) {
    return (
      <Page title={`Pool ${id}`} crumbs={crumbs}>
        <div className="card">
          <Empty icon="pool" title="There is no such pool">
            <p>
              <a href="#/pools">See all pools</a>.
            </p>
          </Empty>
        </div>
      </Page>
    );
  }
  return <Known detail={detail.value} reload={detail.reload} crumbs={crumbs} />;
}

function Known({ detail, reload, crumbs }: { detail: PoolDetail; reload: () => void; crumbs: React.ReactNode }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const { pool } = detail;
  const pha = (value: bigint) => amount(value, decimals, 2);
  const history = useLoaded(`pool history ${pool.id}`, () => backend.poolHistory(pool.id), HISTORY_MS);
  const rate = history.value ? yearly(history.value) : null;
  const name = pool.kind === "vault" ? `Vault ${pool.id}` : `Pool ${pool.id}`;
  return (
    <Page
      title={
        <span className="row">
          {name} <State detail={detail} />
        </span>
      }
      crumbs={crumbs}
      lead={
        pool.description || (
          <>
            Run by <Key of={pool.owner} what="the owner" />
          </>
        )
      }
    >
      <Troubles detail={detail} />
      <Figures>
        <Figure
          label="Worth"
          value={pha(pool.value)}
          unit={symbol}
          note={pool.cap === null ? "no cap" : `of at most ${pha(pool.cap)}`}
        />
        <Figure
          label={<Term means="What one share is worth. It began at 1.">Price</Term>}
          value={decimal(price(pool), 6)}
          note={rate === null ? undefined : `${percent(rate)} a year at the pace seen`}
        />
        <Figure label="Free" value={pha(pool.free)} unit={symbol} note="paid at once to who leaves" />
        {pool.kind === "stakePool" && (
          <Figure
            label="At work"
            value={pha(pool.computing)}
            unit={symbol}
            note={pool.cooling > 0n ? `${pha(pool.cooling)} cooling down` : undefined}
          />
        )}
        <Figure
          label="Commission"
          value={percent(pool.commission / 1_000_000)}
          note={
            pool.raise
              ? `${percent(pool.raise.to / 1_000_000)} from ${clock(pool.raise.fromSeconds * 1000)}`
              : undefined
          }
        />
        <Figure
          label={
            <Term means="Who asked for money that the pool does not have free. They are paid in order, as money becomes free.">
              Waiting
            </Term>
          }
          value={count(pool.queueLength)}
          note={pool.queueLength > 0 ? `${pha(sharesWorth(pool, pool.queuedShares))} ${symbol}` : "nobody"}
        />
      </Figures>
      <div className="grid wide-left">
        <Past history={history} />
        <Yours detail={detail} reload={reload} />
      </div>
      {pool.kind === "stakePool" && <Workers detail={detail} reload={reload} />}
      <Queue detail={detail} />
    </Page>
  );
}

function State({ detail: { pool } }: { detail: PoolDetail }) {
  if (pool.locked) return <Badge tone="bad">locked</Badge>;
  if (pool.queueLength > 0) return <Badge tone="warn">people wait</Badge>;
  return pool.closed ? <Badge>by invitation</Badge> : <Badge tone="good">open</Badge>;
}

function Troubles({ detail }: { detail: PoolDetail }) {
  const { pool, queue, gracePeriodSeconds } = detail;
  const block = useShared((state) => state.snapshot?.timeMs ?? Date.now());
  const first = queue[0];
  const late = first && first.madeSeconds + gracePeriodSeconds < block / 1000;
  const silent = detail.sessions.filter((one) => one.session?.state === "unresponsive").length;
  return (
    <>
      {pool.locked && (
        <Notice tone="bad" title="This vault was late to pay">
          It takes no money until everybody who waits is paid.
        </Notice>
      )}
      {late && (
        <Notice tone="bad" title="Somebody waits longer than the grace period">
          Anybody may now have as many of the pool’s workers stopped as it takes: use “Pay who waits” below.
        </Notice>
      )}
      {silent > 0 && (
        <Notice
          tone="warn"
          title={silent === 1 ? "One of its workers does not answer" : `${count(silent)} of its workers do not answer`}
        >
          They earn nothing and lose value until they answer. Their operator restarts them.
        </Notice>
      )}
      {pool.raise && (
        <Notice tone="info" title="A higher commission is announced">
          {percent(pool.raise.to / 1_000_000)} from {clock(pool.raise.fromSeconds * 1000)} on. Who does not agree leaves
          before.
        </Notice>
      )}
    </>
  );
}

function Past({ history }: { history: Loaded<Awaited<ReturnType<ReturnType<typeof useBackend>["poolHistory"]>>> }) {
  const { decimals, symbol } = useBackend().identity;
  const samples = history.value;
  return (
    <Card title="Over time" note="What a share is worth, and what the pool is worth.">
      {history.error !== null && !samples ? (
        <Failure error={history.error} what="Its past could not be read" retry={history.reload} />
      ) : !samples ? (
        <Loading what="its past" />
      ) : samples.length < 2 ? (
        <p className="small quiet">The node keeps too little of the past for a plot.</p>
      ) : (
        <>
          <LinePlot
            label="Price of a share"
            times={samples.map((one) => one.timeMs)}
            timeLabel={timeLabel}
            height={170}
            series={[{ name: "Price of a share", color: "var(--chart-1)", values: samples.map(price) }]}
          />
          <LinePlot
            label="Worth and free money"
            times={samples.map((one) => one.timeMs)}
            timeLabel={timeLabel}
            height={170}
            fromZero
            series={[
              {
                name: `Worth, ${symbol}`,
                color: "var(--chart-3)",
                values: samples.map((one) => Number(one.value) / 10 ** decimals),
              },
              {
                name: `Free, ${symbol}`,
                color: "var(--chart-2)",
                values: samples.map((one) => Number(one.free) / 10 ** decimals),
              },
            ]}
          />
        </>
      )}
    </Card>
  );
}

function Yours({ detail, reload }: { detail: PoolDetail; reload: () => void }) {
  return (
    <Card title="Your share">
      <NeedsAccount what="delegate">
        {(signedIn) => (
          <Mine key={signedIn.account.address} detail={detail} reload={reload} account={signedIn.account} />
        )}
      </NeedsAccount>
    </Card>
  );
}

function Mine({ detail, reload, account }: { detail: PoolDetail; reload: () => void; account: Account }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const { pool } = detail;
  const pha = (value: bigint) => amount(value, decimals, 4);
  const all = useLoaded(`delegations ${account.address}`, () => backend.delegations(account.address), POOL_MS);
  const money = useLoaded(`money ${account.address}`, () => backend.money(account.address), POOL_MS);
  const own = all.value?.find((one) => one.pool === pool.id);
  const changed = () => {
    all.reload();
    money.reload();
    reload();
  };
  return (
    <div className="stack">
      <Facts
        rows={[
          ["Yours here", own ? `${pha(sharesWorth(pool, own.shares))} ${symbol}` : "nothing"],
          ["Part of the pool", own && pool.shares > 0n ? percent(Number(own.shares) / Number(pool.shares), 2) : "–"],
          ...(own && own.queued > 0n
            ? [["You wait for", `${pha(sharesWorth(pool, own.queued))} ${symbol}`] as [string, string]]
            : []),
          ["On your account", money.value ? `${pha(money.value.free)} ${symbol}` : "…"],
        ]}
      />
      <Delegate detail={detail} account={account} onDone={changed} />
      {own && own.shares > 0n && <Leave detail={detail} own={own} account={account} onDone={changed} />}
    </div>
  );
}

function Delegate({ detail, account, onDone }: { detail: PoolDetail; account: Account; onDone: () => void }) {
  const { symbol, decimals } = useBackend().identity;
  const [text, setText] = useState("");
  const [checked, setChecked] = useState(false);
  const sending = useSending();
  const parsed = parseAmount(text, decimals);
  const wrong =
    typeof parsed !== "bigint"
      ? parsed.wrong
      : parsed < detail.contributionMin
        ? `At least ${amount(detail.contributionMin, decimals)} ${symbol}.`
        : null;
  const call =
    wrong === null && typeof parsed === "bigint"
      ? {
          pallet: PALLET,
          call: "contribute",
          arguments: { pid: BigInt(detail.pool.id), amount: parsed, as_vault: undefined },
        }
      : null;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (call)
          void sending.send(call, account).then((sent) => {
            if (sent) {
              setText("");
              setChecked(false);
              onDone();
            }
          });
      }}
    >
      <TextField
        label="Delegate"
        value={text}
        onChange={(next) => {
          setText(next);
          setChecked(false);
        }}
        unit={symbol}
        inputMode="decimal"
        placeholder="100"
        wrong={checked ? wrong : null}
        hint="You get shares at today’s price. You can leave whenever you like."
      />
      <div className="row">
        <Button kind="primary" type="submit" busy={sending.step !== null}>
          Delegate
        </Button>
        <Fee call={call} signedIn={{ account, wallet: null }} />
      </div>
      <SendingState sending={sending} success="Delegated" failure="Nothing was delegated" />
    </form>
  );
}

function Leave({
  detail,
  own,
  account,
  onDone,
}: {
  detail: PoolDetail;
  own: Delegation;
  account: Account;
  onDone: () => void;
}) {
  const { symbol, decimals } = useBackend().identity;
  const { pool } = detail;
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const sending = useSending();
  const movable = own.shares - own.locked;
  const send = (call: string, rest: Record<string, unknown>) =>
    void sending
      .send({ pallet: PALLET, call, arguments: { pid: BigInt(pool.id), ...rest, as_vault: undefined } }, account)
      .then((sent) => {
        if (sent) {
          setText("");
          onDone();
        }
      });
  const leave = (shares: bigint) => send("withdraw", { shares });
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const parsed = parseAmount(text, decimals);
        if (typeof parsed !== "bigint") return setWrong(parsed.wrong);
        if (parsed === 0n) return setWrong("Type more than 0, or take your request back.");
        leave(sharesFor(pool, parsed, movable));
      }}
    >
      <TextField
        label="Leave with"
        value={text}
        onChange={(next) => {
          setText(next);
          setWrong(null);
        }}
        unit={symbol}
        inputMode="decimal"
        wrong={wrong}
        hint={`Paid at once as far as the pool has money free. The rest waits in line; after ${span(detail.gracePeriodSeconds * 1000)} anybody may have workers stopped for it.`}
      />
      <div className="row">
        <Button type="submit" busy={sending.step !== null}>
          Leave with this much
        </Button>
        <Button kind="plain" onClick={() => leave(movable)} disabled={sending.step !== null}>
          Leave with all
        </Button>
        {own.queued > 0n && (
          <Button kind="plain" onClick={() => send("cancel_withdraw", {})} disabled={sending.step !== null}>
            Take the request back
          </Button>
        )}
      </div>
      {own.locked > 0n && (
        <p className="small quiet">
          {amount(sharesWorth(pool, own.locked), decimals)} {symbol} of it stay until a vote ends.
        </p>
      )}
      <SendingState sending={sending} success="Done" failure="Nothing was changed" />
    </form>
  );
}

function Workers({ detail, reload }: { detail: PoolDetail; reload: () => void }) {
  const { symbol, decimals } = useBackend().identity;
  const address = useShared((state) => state.signedIn?.account.address ?? null);
  const isOwner = address === detail.pool.owner;
  return (
    <Card
      title="Its workers"
      flush
      note={isOwner ? "You own this pool: add workers, start them with a stake, stop them." : undefined}
    >
      {detail.sessions.length === 0 ? (
        <Empty icon="worker" title="It has no worker yet" />
      ) : (
        <Table
          caption="Workers of the pool"
          rows={detail.sessions}
          keyOf={(row) => row.worker}
          columns={[
            {
              label: "Worker",
              name: "Worker",
              cell: (row) => <Key of={row.worker} what="the worker" href={`#/workers/${row.worker}`} />,
            },
            {
              label: "Does",
              name: "Does",
              cell: ({ session }) => {
                switch (session?.state) {
                  case "computing":
                    return <Badge tone="good">computes</Badge>;
                  case "unresponsive":
                    return <Badge tone="bad">does not answer</Badge>;
                  case "cooling":
                    return <Badge tone="warn">cools down</Badge>;
                  default:
                    return <Badge>not started</Badge>;
                }
              },
            },
            {
              label: "At stake",
              name: "At stake",
              end: true,
              cell: ({ session }) => (session ? `${amount(session.stake, decimals, 2)} ${symbol}` : "–"),
            },
            {
              label: "Value",
              name: "Value",
              end: true,
              cell: ({ session }) => (session ? decimal(session.v, 2) : "–"),
            },
            {
              label: "Earned",
              name: "Earned",
              end: true,
              cell: ({ session }) => (session ? `${amount(session.earned, decimals, 4)} ${symbol}` : "–"),
            },
          ]}
        />
      )}
      {isOwner && <OwnersForm detail={detail} reload={reload} />}
    </Card>
  );
}

function OwnersForm({ detail, reload }: { detail: PoolDetail; reload: () => void }) {
  const { symbol, decimals } = useBackend().identity;
  const signedIn = useShared((state) => state.signedIn);
  const workers = useShared((state) => state.snapshot?.workers) ?? [];
  const [worker, setWorker] = useState("");
  const [stake, setStake] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const sending = useSending();
  if (!signedIn) return null;
  const { account } = signedIn;
  const candidates = workers
    .filter((one) => one.pool === null || one.pool === detail.pool.id)
    .filter((one: Worker) => one.operator === account.address || one.pool === detail.pool.id);
  const inPool = detail.pool.workers.includes(worker as `0x${string}`);
  const session = detail.sessions.find((one) => one.worker === worker)?.session ?? null;
  const pid = BigInt(detail.pool.id);
  const send = (call: string, rest: Record<string, unknown> = {}) => {
    if (!hexKey(worker)) return setWrong("Choose a worker.");
    setWrong(null);
    const named = call === "add_worker" ? { pubkey: worker } : { worker };
    void sending.send({ pallet: PALLET, call, arguments: { pid, ...named, ...rest } }, account).then((sent) => {
      if (sent) reload();
    });
  };
  const start = () => {
    const parsed = parseAmount(stake, decimals);
    if (typeof parsed !== "bigint") return setWrong(parsed.wrong);
    send("start_computing", { stake: parsed });
  };
  return (
    <div className="body stack" style={{ padding: "14px 18px 18px", borderTop: "1px solid var(--line)" }}>
      <h3>For you as the owner</h3>
      <div className="field">
        <label htmlFor="pool-worker">Worker</label>
        <select
          id="pool-worker"
          className="input"
          value={worker}
          onChange={(event) => {
            setWorker(event.target.value);
            setWrong(null);
          }}
        >
          <option value="">Choose a worker that you operate</option>
          {candidates.map((one) => (
            <option key={one.id} value={one.id}>
              {one.id.slice(0, 18)}… {one.pool === null ? "(in no pool)" : ""}
            </option>
          ))}
        </select>
      </div>
      {worker !== "" && !inPool && (
        <div className="row">
          <Button kind="primary" onClick={() => send("add_worker")} busy={sending.step !== null}>
            Add it to the pool
          </Button>
        </div>
      )}
      {inPool && (session === null || session.state === "ready") && (
        <>
          <TextField
            label="Stake to start it with"
            value={stake}
            onChange={(text) => {
              setStake(text);
              setWrong(null);
            }}
            unit={symbol}
            inputMode="decimal"
            hint={`The pool has ${amount(detail.pool.free, decimals, 2)} ${symbol} free. The least grows with the root of the worker’s score.`}
          />
          <div className="row">
            <Button kind="primary" onClick={start} busy={sending.step !== null}>
              Start it
            </Button>
            <Button kind="plain" onClick={() => send("remove_worker")}>
              Take it out of the pool
            </Button>
          </div>
        </>
      )}
      {inPool && session && (session.state === "computing" || session.state === "unresponsive") && (
        <div className="row">
          <Button onClick={() => send("stop_computing")} busy={sending.step !== null}>
            Stop it
          </Button>
        </div>
      )}
      {inPool && session?.state === "cooling" && (
        <div className="row">
          <Button onClick={() => send("reclaim_pool_worker")} busy={sending.step !== null}>
            Take its stake back
          </Button>
        </div>
      )}
      {wrong && (
        <p className="wrong" role="alert" style={{ color: "var(--bad)" }}>
          {wrong}
        </p>
      )}
      <SendingState sending={sending} success="Done" failure="Nothing was changed" />
    </div>
  );
}

function Queue({ detail }: { detail: PoolDetail }) {
  const { symbol, decimals } = useBackend().identity;
  const nowMs = useShared((state) => state.snapshot?.timeMs ?? Date.now());
  const signedIn = useShared((state) => state.signedIn);
  const sending = useSending();
  const { pool, queue } = detail;
  return (
    <Card title="Who waits for money" flush note="Paid from the top as money becomes free.">
      {queue.length === 0 ? (
        <Empty icon="check" title="Nobody waits">
          <p>
            Who leaves now is paid at once, as far as {amount(pool.free, decimals, 2)} {symbol} reach.
          </p>
        </Empty>
      ) : (
        <>
          <Table
            caption="Queue"
            rows={queue.map((request, place) => ({ ...request, place }))}
            keyOf={(row) => row.place}
            columns={[
              { label: "Place", name: "Place", cell: (row) => `${row.place + 1}.` },
              { label: "Who", name: "Who", cell: (row) => <Key of={row.staker} what="the account" /> },
              {
                label: "Worth",
                name: "Worth",
                end: true,
                cell: (row) => `${amount(sharesWorth(pool, row.shares), decimals, 2)} ${symbol}`,
              },
              {
                label: "Waits for",
                name: "Waits for",
                end: true,
                cell: (row) => span(Math.max(0, nowMs - row.madeSeconds * 1000)),
              },
            ]}
          />
          {signedIn && (
            <div className="stack" style={{ padding: "12px 18px 16px" }}>
              <div className="row">
                <Button
                  busy={sending.step !== null}
                  onClick={() =>
                    void sending.send(
                      { pallet: PALLET, call: "check_and_maybe_force_withdraw", arguments: { pid: BigInt(pool.id) } },
                      signedIn.account,
                    )
                  }
                >
                  Pay who waits
                </Button>
              </div>
              <SendingState sending={sending} success="Done" failure="Nobody was paid" />
            </div>
          )}
        </>
      )}
    </Card>
  );
}
