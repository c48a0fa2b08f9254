// A block's events as sentences. What only the chain's own machinery cares about is left out.

import { amount, clusterName, short } from "../ui/format";
import { big, hex, number, record, text, type Decoded } from "./decode";
import type { Happening, Hex } from "./model";

export interface ChainEvent {
  pallet: string;
  name: string;
  value: unknown;
}

type Sentence = (value: Decoded, money: (amount: bigint) => string) => { text: string; link?: string };

const worker = (id: Hex) => ({ name: `Worker ${short(id)}`, link: `#/workers/${id}` });
const contract = (id: Hex) => ({ name: `Contract ${short(id)}`, link: `#/contracts/${id}` });

function ofWorker(field: string, what: string): Sentence {
  return (value) => {
    const { name, link } = worker(hex(value[field], "worker"));
    return { text: `${name} ${what}`, link };
  };
}

function ofPool(say: (pool: number, value: Decoded, money: (amount: bigint) => string) => string): Sentence {
  return (value, money) => {
    const pool = number(value.pid, "pool");
    return { text: say(pool, value, money), link: `#/pools/${pool}` };
  };
}

const SENTENCES: Record<string, Sentence> = {
  "PhalaRegistry.WorkerAdded": ofWorker("pubkey", "proved its hardware and joined"),
  "PhalaRegistry.WorkerUpdated": ofWorker("pubkey", "renewed its proof"),
  "PhalaRegistry.WorkerRemoved": ofWorker("pubkey", "was removed: its proof had expired"),
  "PhalaRegistry.InstanceStarted": ofWorker("pubkey", "started"),
  "PhalaRegistry.WorkerEndpointUpdated": ofWorker("pubkey", "said where it is reached"),
  "PhalaRegistry.WorkerPlaceDeclared": ofWorker("pubkey", "has a place, by its operator's word"),
  "PhalaRegistry.GatekeeperAdded": ofWorker("pubkey", "became a gatekeeper"),
  "PhalaRegistry.GatekeeperRemoved": ofWorker("pubkey", "is a gatekeeper no more"),
  "PhalaRegistry.GatekeeperLaunched": () => ({ text: "The network has its key" }),
  "PhalaPhatContracts.ClusterCreated": (value) => ({ text: `${clusterName(hex(value.cluster, "cluster"))} was made` }),
  "PhalaPhatContracts.CodeUploaded": (value) => ({
    text: `A program was uploaded by ${short(text(value.owner, "account"))}`,
  }),
  "PhalaPhatContracts.Instantiating": (value) => {
    const { name, link } = contract(hex(value.contract, "contract"));
    return { text: `${name} is being made`, link };
  },
  "PhalaPhatContracts.Instantiated": (value) => {
    const { name, link } = contract(hex(value.contract, "contract"));
    return { text: `${name} was made`, link };
  },
  "PhalaPhatContracts.CheckpointAgreed": (value) => ({
    text: `${clusterName(hex(value.cluster, "cluster"))}: its workers agree on the state after ${big(value.next_number, "number")} entries`,
  }),
  "PhalaPhatContracts.WorkerDiverged": ofWorker("worker", "differs from its cluster and was suspended"),
  "PhalaPhatContracts.WorkerConforms": ofWorker("worker", "agrees with its cluster again"),
  "PhalaPhatContracts.CheckpointDiffers": ofWorker(
    "worker",
    "reports another state than a second worker, and no majority says who is right",
  ),
  "PhalaPhatContracts.WorkerAddedToCluster": ofWorker("worker", "joined a cluster"),
  "PhalaPhatContracts.WorkerRemovedFromCluster": ofWorker("worker", "left its cluster"),
  "PhalaPhatContracts.Transfered": (value, money) => ({
    text: `${money(big(value.amount, "amount"))} went into ${clusterName(hex(value.cluster, "cluster"))}`,
  }),
  "PhalaPhatTokenomic.ContractDepositChanged": (value, money) => {
    const { name, link } = contract(hex(value.contract, "contract"));
    return { text: `${name} has ${money(big(value.deposit, "deposit"))} staked to it`, link };
  },
  "PhalaStakePoolv2.PoolCreated": ofPool((pool) => `Pool ${pool} was made`),
  "PhalaStakePoolv2.Contribution": ofPool(
    (pool, value, money) => `${money(big(value.amount, "amount"))} were delegated to pool ${pool}`,
  ),
  "PhalaStakePoolv2.WithdrawalQueued": ofPool((pool) => `Somebody asked pool ${pool} for their money`),
  "PhalaStakePoolv2.Withdrawal": ofPool(
    (pool, value, money) => `Pool ${pool} paid ${money(big(value.amount, "amount"))} back`,
  ),
  "PhalaStakePoolv2.RewardReceived": ofPool(
    (pool, value, money) =>
      `Pool ${pool} earned ${money(big(value.to_stakers, "reward") + big(value.to_owner, "reward"))}`,
  ),
  "PhalaStakePoolv2.WorkingStarted": ofPool((pool) => `A worker of pool ${pool} began to compute`),
  "PhalaStakePoolv2.WorkingStopped": ofPool((pool) => `A worker of pool ${pool} stopped`),
  "PhalaStakePoolv2.PoolSlashed": ofPool((pool) => `Pool ${pool} lost money: a worker was at fault`),
  "PhalaComputation.WorkerEnterUnresponsive": () => ({ text: "A worker did not answer its heartbeat in time" }),
  "PhalaComputation.WorkerExitUnresponsive": () => ({ text: "A worker answers heartbeats again" }),
};

/** The events of `block` that people care about. */
export function describe(block: number, events: ChainEvent[], symbol: string, decimals: number): Happening[] {
  const money = (value: bigint) => `${amount(value, decimals, 2)} ${symbol}`;
  return events.flatMap((event, index) => {
    const name = `${event.pallet}.${event.name}`;
    const sentence = SENTENCES[name];
    if (!sentence) return [];
    const value = event.value === undefined ? {} : record(event.value, `event ${name}`);
    const said = sentence(value, money);
    return [{ block, index, name, text: said.text, link: said.link ?? null }];
  });
}
