/** What goes wrong. Each error has a `code` for programs and a text that names the cure. */

import type { Hex } from "./hex.js";
import type { QueryError } from "./wire.js";

/** Codes of {@link PhatError}. */
export type ErrorCode =
  | "aborted"
  | "anotherNetwork"
  | "argument"
  | "bug"
  | "chainUnreachable"
  | "contractFailed"
  | "contractFile"
  | "contractRefused"
  | "format"
  | "node"
  | "noneAnswered"
  | "notFound"
  | "proof"
  | "queryRefused"
  | "signingRefused"
  | "timedOut"
  | "tooFewWorkers"
  | "transactionRefused"
  | "unsupported"
  | "worker";

/** Any error of this package. */
export class PhatError extends Error {
  constructor(
    /** For programs. */
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No node answers, or the connection to it broke. */
export class ChainUnreachable extends PhatError {
  constructor(readonly url: string, reason: string, options?: ErrorOptions) {
    super("chainUnreachable", `no node answers at ${url}: ${reason}`, options);
  }
}

/** The node is on another network. */
export class AnotherNetwork extends PhatError {
  constructor(readonly expected: Hex, readonly found: Hex) {
    super("anotherNetwork", `the node is on network ${found}, not on ${expected}; connect to a node of the right network`);
  }
}

/** What a node says is proven is not. */
export class ProofInvalid extends PhatError {
  constructor(readonly reason: string) {
    super("proof", `the node's proof does not hold: ${reason}; use another node`);
  }
}

/** The node fails. */
export class NodeError extends PhatError {
  constructor(message: string, options?: ErrorOptions) {
    super("node", `the node reports: ${message}`, options);
  }
}

/** A value on chain is not of the kind that this package knows. */
export class FormatError extends PhatError {
  constructor(readonly what: string, reason: string) {
    super("format", `the chain's ${what} is not of the kind this client knows (${reason}); the client is too old or too new for the chain`);
  }
}

/** There is no such thing on chain. */
export class NotFound extends PhatError {
  constructor(readonly what: string) {
    super("notFound", `there is no ${what} on this network`);
  }
}

/** The chain refuses a transaction; `details` is the pallet's error where there is one. */
export class TransactionRefused extends PhatError {
  constructor(reason: string, readonly details?: unknown, options?: ErrorOptions) {
    super("transactionRefused", `the chain refuses the transaction: ${reason}`, options);
  }
}

/** Wallet or person does not sign. */
export class SigningRefused extends PhatError {
  constructor(what: string, reason: string, options?: ErrorOptions) {
    super("signingRefused", `the wallet did not sign ${what}: ${reason}`, options);
  }
}

/** What goes wrong between a client and one worker. */
export type WorkerErrorKind =
  /** It announces no URL. */
  | "noEndpoint"
  /** No answer. */
  | "unreachable"
  /** It takes connections, perhaps, and says nothing. */
  | "silent"
  /** It refuses, in the clear: whoever has its address may have written this. */
  | "refused"
  /** The answer is not from the attested worker, or damaged. */
  | "notAuthentic"
  /** A sealed error that is about the worker and not the question. */
  | "query"
  /** The receipt that was asked for is missing, or about something else. */
  | "receipt"
  /** It answers from an older state than was asked for. */
  | "tooOld";

/** One worker gives no answer. */
export class WorkerError extends PhatError {
  constructor(
    readonly worker: Hex,
    readonly kind: WorkerErrorKind,
    /** What is the matter, without the worker's name. */
    readonly reason: string,
    /** The HTTP status, where there was one. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super("worker", `worker ${worker}: ${reason}`, options);
  }
}

/** A worker answers, sealed, with an error. */
export class QueryRefused extends PhatError {
  constructor(readonly reason: QueryError) {
    super("queryRefused", queryErrorText(reason));
  }
}

/** What an error of a query means. */
export function queryErrorText(error: QueryError): string {
  switch (error.tag) {
    case "ContractNotFound":
      return "this cluster has no such contract, or its constructor failed";
    case "OutcomeNotFound":
      return "no outcome is kept under this number, or it is another account's";
    case "CertificateMissing":
      return "this needs an account: give one with the option account";
    case "BlockNotReached":
      return `the worker has not reached that block yet; it has final block ${error.value.have}`;
    case "Expired":
      return "the query has lapsed or is dated too far ahead; check this machine's clock";
    case "Replayed":
      return "the worker has seen this very query before";
    case "Certificate":
    case "Execution":
      return error.value;
    case "AnswerTooLong":
      return "the answer is longer than a worker sends";
  }
}

/** A worker that gave no answer. */
export interface Failure {
  /** Which one. */
  worker: Hex;
  /** Why not. */
  reason: string;
}

/** No worker of a cluster gave an answer: each with its reason. */
export class NoneAnswered extends PhatError {
  constructor(
    readonly cluster: Hex,
    /** How often was asked. */
    readonly attempts: number,
    readonly failures: Failure[],
    /** The deadline, where it passed. */
    readonly deadlineMs?: number,
  ) {
    super("noneAnswered", noneAnsweredText(cluster, attempts, failures, deadlineMs));
  }
}

function noneAnsweredText(cluster: Hex, attempts: number, failures: Failure[], deadlineMs?: number): string {
  if (failures.length === 0 && deadlineMs === undefined) return `cluster ${cluster} has no workers`;
  const within = deadlineMs === undefined ? "" : `, not within ${deadlineMs / 1000} s`;
  const lines = failures.map(({ worker, reason }) => `\n  ${worker}: ${reason}`);
  return `no worker of cluster ${cluster} serves: ${attempts} attempt(s)${within}${lines.join("")}`;
}

/** A cluster has fewer workers than were to be asked. */
export class TooFewWorkers extends PhatError {
  constructor(readonly cluster: Hex, readonly wanted: number, readonly have: number) {
    super("tooFewWorkers", `${wanted} workers are wanted, but cluster ${cluster} has ${have} that may be asked`);
  }
}

/** A contract file, or what is asked of one, is wrong. */
export class ContractFileError extends PhatError {
  constructor(message: string, options?: ErrorOptions) {
    super("contractFile", message, options);
  }
}

/** An argument is not of its type. */
export class ArgumentError extends PhatError {
  constructor(
    message: string,
    /** Which one; `undefined` where their number is wrong. */
    readonly argument?: string,
    /** Its type. */
    readonly type?: string,
  ) {
    super("argument", message);
  }
}

/** The contract answered with an error; nothing changed. */
export class ContractRefused extends PhatError {
  constructor(
    readonly label: string,
    /** Its error, from the metadata. */
    readonly error: unknown,
  ) {
    super("contractRefused", `${label} was refused by the contract: ${printable(error)}`);
  }
}

/** The contract did not return. */
export class ContractFailed extends PhatError {
  constructor(readonly label: string, readonly reason: string) {
    super("contractFailed", `${label} did not run: ${reason}`);
  }
}

/** Something did not happen in time. */
export class TimedOut extends PhatError {
  constructor(message: string) {
    super("timedOut", message);
  }
}

/** The caller has given up. */
export class Aborted extends PhatError {
  constructor(options?: ErrorOptions) {
    super("aborted", "given up by the caller", options);
  }
}

/** This browser or program lacks something. */
export class Unsupported extends PhatError {
  constructor(message: string) {
    super("unsupported", message);
  }
}

/** A value as JSON, its big numbers as text. */
export function printable(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item)) ?? "nothing";
}

/** The text of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
