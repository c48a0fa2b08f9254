/** Where the chain keeps what clients read: `core/chain-facts` `keys`. */

import { Twox128, Twox64Concat } from "@polkadot-api/substrate-bindings";
import { concat, fromHex, utf8, type Hex } from "./hex.js";
import { u32, u64 } from "./scale.js";

/** Key of a plain storage item. */
export function plainKey(pallet: string, item: string): Uint8Array {
  return concat(Twox128(utf8(pallet)), Twox128(utf8(item)));
}

/** Key of an entry of a map with Twox64Concat. */
export function mapKey(pallet: string, item: string, ...keys: Uint8Array[]): Uint8Array {
  return concat(plainKey(pallet, item), ...keys.map((key) => Twox64Concat(key)));
}

const id = (hex: Hex) => fromHex(hex, 32);

/** Keys of the chain's storage. */
export const keys = {
  worker: (worker: Hex) => mapKey("PhalaRegistry", "Workers", id(worker)),
  workers: () => plainKey("PhalaRegistry", "Workers"),
  endpoints: (worker: Hex) => mapKey("PhalaRegistry", "Endpoints", id(worker)),
  allowedMeasurement: (measurement: Hex) => mapKey("PhalaRegistry", "AllowedMeasurements", id(measurement)),
  acceptedRoots: () => plainKey("PhalaRegistry", "AcceptedRoots"),
  tierMax: () => plainKey("PhalaRegistry", "TierMax"),
  contractHpkeKey: (contract: Hex) => mapKey("PhalaRegistry", "ContractHpkeKeys", id(contract)),
  clusterCounter: () => plainKey("PhalaPhatContracts", "ClusterCounter"),
  cluster: (cluster: Hex) => mapKey("PhalaPhatContracts", "Clusters", id(cluster)),
  clusterWorkers: (cluster: Hex) => mapKey("PhalaPhatContracts", "ClusterWorkers", id(cluster)),
  clusterContracts: (cluster: Hex) => mapKey("PhalaPhatContracts", "ClusterContracts", id(cluster)),
  suspendedWorkers: (cluster: Hex) => mapKey("PhalaPhatContracts", "SuspendedWorkers", id(cluster)),
  clusterOfWorker: (worker: Hex) => mapKey("PhalaPhatContracts", "ClusterByWorkers", id(worker)),
  contract: (contract: Hex) => mapKey("PhalaPhatContracts", "Contracts", id(contract)),
  receiptLog: (worker: Hex, index: bigint) =>
    mapKey("PhalaPhatContracts", "ReceiptLogs", id(worker), u64.enc(index)),
  contractStake: (contract: Hex) => mapKey("PhalaPhatTokenomic", "ContractTotalStakes", id(contract)),
  contractStakeOf: (account: Hex, contract: Hex) =>
    mapKey("PhalaPhatTokenomic", "ContractUserStakes", id(account), id(contract)),
  timestamp: () => plainKey("Timestamp", "Now"),
  blockHash: (number: number) => mapKey("System", "BlockHash", u32.enc(number)),
  grandpaAuthorities: () => plainKey("Grandpa", "Authorities"),
  grandpaSetId: () => plainKey("Grandpa", "CurrentSetId"),
} as const;

/** The id of the `counter`-th cluster, from 1: the counter, big-endian, in the last eight bytes. */
export function clusterIdOf(counter: bigint): Hex {
  return `0x${counter.toString(16).padStart(64, "0")}`;
}
