import { useBackend, useLoaded, useSending, useShared } from "../api/hooks";
import { price, shareOfFree, sharesWorth } from "../api/pool-math";
import type { Pool } from "../api/model";
import { amount, count, counted, decimal, percent } from "../ui/format";
import {
  Badge,
  Button,
  Card,
  Empty,
  Failure,
  Figure,
  Figures,
  Key,
  Loading,
  Notice,
  Page,
  Table,
  Term,
} from "../ui/kit";
import { Fee, NeedsAccount, SendingState } from "../ui/signing";

const POOLS_MS = 6_000;

export function NoPools() {
  return (
    <div className="card">
      <Empty icon="pool" title="This network has no pools">
        <p>
          Its runtime has no part for them: workers earn nothing here, and there is nothing to delegate to. Staking to
          programs works; see each contract’s page.
        </p>
      </Empty>
    </div>
  );
}

export function PoolsPage() {
  const { identity } = useBackend();
  return (
    <Page
      title="Pools"
      lead="Give PHA to a pool, and its owner puts it behind workers. What they earn raises what your share is worth; leave when you like."
    >
      {identity.hasEconomy ? <List /> : <NoPools />}
    </Page>
  );
}

function List() {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const pools = useLoaded("pools", () => backend.pools(), POOLS_MS);
  const address = useShared((state) => state.signedIn?.account.address ?? null);
  const own = useLoaded(
    `delegations ${address}`,
    () => (address ? backend.delegations(address) : Promise.resolve([])),
    POOLS_MS,
  );
  if (pools.error !== null && !pools.value)
    return <Failure error={pools.error} what="The pools could not be read" retry={pools.reload} />;
  if (!pools.value)
    return (
      <div className="card">
        <Loading what="pools" lines={6} />
      </div>
    );
  const pha = (value: bigint) => amount(value, decimals, 2);
  const total = pools.value.filter((pool) => pool.kind === "stakePool").reduce((sum, pool) => sum + pool.value, 0n);
  const mine = new Map((own.value ?? []).map((delegation) => [delegation.pool, delegation]));
  const minePools = pools.value.filter((pool) => mine.has(pool.id));
  return (
    <>
      <Figures>
        <Figure
          label="Pools"
          value={count(pools.value.filter((pool) => pool.kind === "stakePool").length)}
          note={counted(pools.value.filter((pool) => pool.kind === "vault").length, "vault")}
        />
        <Figure label="Worth together" value={pha(total)} unit={symbol} />
        <Figure
          label="Behind workers"
          value={pha(pools.value.reduce((sum, pool) => sum + pool.computing, 0n))}
          unit={symbol}
        />
        <Figure
          label="Yours"
          value={
            address ? pha(minePools.reduce((sum, pool) => sum + sharesWorth(pool, mine.get(pool.id)!.shares), 0n)) : "–"
          }
          unit={address ? symbol : undefined}
          note={address ? `in ${counted(mine.size, "pool")}` : "connect an account"}
        />
      </Figures>
      <Card flush>
        {pools.value.length === 0 ? (
          <Empty icon="pool" title="There is no pool yet">
            <p>Whoever runs workers makes the first one.</p>
          </Empty>
        ) : (
          <Table<Pool>
            caption="Pools"
            rows={pools.value}
            keyOf={(pool) => pool.id}
            columns={[
              {
                label: "Pool",
                name: "Pool",
                cell: (pool) => (
                  <a href={`#/pools/${pool.id}`}>
                    {pool.kind === "vault" ? "Vault" : "Pool"} {pool.id}
                  </a>
                ),
              },
              { label: "Owner", name: "Owner", cell: (pool) => <Key of={pool.owner} what="the owner" /> },
              { label: "Worth", name: "Worth", end: true, cell: (pool) => `${pha(pool.value)} ${symbol}` },
              {
                label: (
                  <Term means="What one share is worth. It began at 1, and rises with what the pool earns.">Price</Term>
                ),
                name: "Price",
                end: true,
                cell: (pool) => decimal(price(pool), 4),
              },
              {
                label: <Term means="What the owner keeps of what the workers earn.">Commission</Term>,
                name: "Commission",
                end: true,
                cell: (pool) => percent(pool.commission / 1_000_000),
              },
              {
                label: "Workers",
                name: "Workers",
                end: true,
                cell: (pool) => (pool.kind === "vault" ? "–" : count(pool.workers.length)),
              },
              {
                label: <Term means="Money that is not at work: what is paid out at once to who leaves.">Free</Term>,
                name: "Free",
                end: true,
                cell: (pool) => percent(shareOfFree(pool)),
              },
              {
                label: "State",
                name: "State",
                cell: (pool) =>
                  pool.queueLength > 0 ? (
                    <Badge tone="warn">{`${count(pool.queueLength)} wait`}</Badge>
                  ) : pool.closed ? (
                    <Badge>by invitation</Badge>
                  ) : (
                    <Badge tone="good">open</Badge>
                  ),
              },
            ]}
          />
        )}
      </Card>
      <MakePool />
    </>
  );
}

function MakePool() {
  const sending = useSending();
  const call = { pallet: "PhalaStakePoolv2", call: "create", arguments: {} };
  return (
    <Card
      title="Run a pool of your own"
      note="For operators: a pool collects PHA and puts it behind your workers. Its account’s least balance comes from yours."
    >
      <NeedsAccount what="make a pool">
        {(signedIn) => (
          <div className="stack">
            <div className="row">
              <Button onClick={() => void sending.send(call, signedIn.account)} busy={sending.step !== null}>
                Make a pool
              </Button>
              <Fee call={call} signedIn={signedIn} />
            </div>
            <SendingState
              sending={sending}
              success="The pool is there; find it in the list"
              failure="The pool was not made"
            />
          </div>
        )}
      </NeedsAccount>
      {sending.done === null && <Notice tone="quiet">You add workers and start them on the pool’s page.</Notice>}
    </Card>
  );
}
