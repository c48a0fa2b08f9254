/**
 * The TypeScript SDK of Phat: find a cluster, ask its contracts, command them, check what they answered.
 *
 * README.md lists the calls, and says what is proven and what is a node's word.
 *
 * @packageDocumentation
 */

export { accountFromSecret, accountFromSigner, generateSecret, type Account, type KeyKind } from "./account.js";
export { formatAddress, parseAddress } from "./address.js";
export { certificateText } from "./certificate.js";
export { Chain, type BlockRef, type ChainProperties, type ConnectOptions } from "./chain.js";
export { Cluster, type AskOptions, type ClusterOptions, type Patience } from "./cluster.js";
export {
  Contract,
  NoMajority,
  awaitOutcome,
  deploy,
  type Answer,
  type CallOptions,
  type DeployOptions,
  type Deployed,
  type Done,
  type LogQuestion,
  type LogRecord,
  type Progress,
  type QueryOptions,
} from "./contract.js";
export { ContractFile, type Message, type MessageArgument, type Outcome } from "./contract-file.js";
export * from "./errors.js";
export { fromHex, toHex, type Hex } from "./hex.js";
export {
  type At,
  type ClusterRecord,
  type ContractRecord,
  type Member,
  type Membership,
  type Standing,
  type WorkerRecord,
} from "./facts.js";
export { type FinalBlock, type ProvenState } from "./proof.js";
export { verifyReceipt, type Verdict, type VerifyOptions } from "./receipt.js";
export { Replicas, isReceiptSigned, type Contradiction, type Replica, type ReplicaVerdict } from "./replicas.js";
export {
  callRequest,
  instantiateRequest,
  loggerRequest,
  outcomeRequest,
  type RequestOptions,
} from "./request.js";
export { mailboxNumbers, transactions, type ChainEvent, type Included, type SubmitOptions, type SubmitStatus, type Transaction } from "./transaction.js";
export { parseArgument, type Field, type TypeShape, type Variant } from "./types.js";
export { connectWallet, wallets, type Wallet, type WalletInfo } from "./wallet.js";
export {
  type CommandOutcome,
  type QueryError,
  type QueryOutput,
  type QueryReply,
  type QueryRequest,
  type QueryTarget,
  type Receipt,
  type ReceiptBody,
} from "./wire.js";
export { WorkerClient, fetchWorkerInfo, type Asked, type WorkerInfo } from "./worker.js";
