/** A worker's side of the protocol, whose answers a test writes. */

import { x25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LABELS, derive, taggedHash, type Label } from "../src/domain.js";
import type { Member, Standing, WorkerRecord } from "../src/facts.js";
import { concat, fromHex, toHex, utf8, type Hex } from "../src/hex.js";
import { HpkeSecret, open } from "../src/hpke.js";
import { secureRandom } from "../src/random.js";
import { decodeAll, u64 } from "../src/scale.js";
import {
  Envelope,
  HpkeSealed,
  OneShotQuery,
  QueryReply,
  QueryRequest,
  ReceiptBody,
  SessionAccept,
  SessionOpen,
  answerCommitment,
  requestCommitment,
  sealedToWorkerAad,
  type QueryResult,
  type Receipt,
} from "../src/wire.js";

/** Which network the workers are of. */
export const GENESIS: Hex = `0x${"07".repeat(32)}`;
/** Their cluster. */
export const CLUSTER: Hex = `0x${"08".repeat(32)}`;

/** What a worker does with a question. */
export interface Conduct {
  block: number;
  blockHash?: Hex;
  stateRoot?: Hex;
  answer: QueryResult;
  /** HTTP status instead of an answer. */
  status?: number;
  /** Answers nothing at all. */
  hangs?: boolean;
  /** Alters the sealed bytes. */
  damages?: boolean;
  /** Signs receipts where they are asked for. */
  receipts?: boolean;
}

interface Kept {
  toServer: Uint8Array;
  toClient: Uint8Array;
  origin: Hex | undefined;
}

/** Output of these bytes. */
export function says(...data: number[]): QueryResult {
  return {
    ok: true,
    value: { flags: 0, data: Uint8Array.from(data), gasConsumed: 1n, gasRequired: 2n, storageDeposit: 0n },
  };
}

/** A worker. */
export class ScriptedWorker {
  /** The questions that it opened. */
  readonly questions: QueryRequest[] = [];
  /** How many sessions it opened. */
  opened = 0;
  conduct: Conduct = { block: 100, answer: says(0) };
  private readonly sessions = new Map<Hex, Kept>();

  private constructor(
    private readonly key: HpkeSecret,
    private readonly identity: ReturnType<ReturnType<typeof sr25519CreateDerive>>,
    private readonly server: Server,
  ) {}

  static async start(number: number): Promise<ScriptedWorker> {
    const key = await HpkeSecret.fromSeed(new Uint8Array(32).fill(number));
    const identity = sr25519CreateDerive(new Uint8Array(32).fill(number))("");
    const server = createServer();
    const worker = new ScriptedWorker(key, identity, server);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      worker.serve(request, response).catch((error: unknown) => {
        response.writeHead(500).end(JSON.stringify({ error: String(error) }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return worker;
  }

  get id(): Hex {
    return toHex(this.identity.publicKey);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends it: nothing answers at its address any more. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** As the chain has it. */
  member(standing: Standing = "serves", endpoints = [this.url]): Member {
    const record: WorkerRecord = {
      worker: this.id,
      hpkePublicKey: this.key.publicKey,
      version: "0.1.0",
      registrant: "",
      measurement: GENESIS,
      tee: "Tdx",
      root: "Development",
      tier: 1,
      evidenceHash: GENESIS,
      registrationHash: GENESIS,
      madeAtMs: 0,
      updatedAtMs: 0,
      expiresAtMs: Date.now() + 1_000_000,
      endpoints,
    };
    return { record, standing };
  }

  /** Forgets all sessions, as a worker that was started again. */
  forgetSessions(): void {
    this.sessions.clear();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = new Uint8Array(Buffer.concat(chunks));
    const { hangs, status } = this.conduct;
    if (hangs) return;
    const refuse = (code: number, error: string) => response.writeHead(code).end(JSON.stringify({ error }));
    if (request.url === "/v1/info") {
      const serving = { block_number: this.conduct.block, next_number: this.conduct.block * 2 };
      response.end(JSON.stringify({ serving }));
    } else if (request.url === "/v1/session") {
      response.end(await this.openSession(body));
    } else if (status !== undefined) {
      refuse(status, "so the script says");
    } else {
      const answer = await this.query(body);
      if (answer) response.end(answer);
      else refuse(410, "there is no such session");
    }
  }

  private async openSession(opening: Uint8Array): Promise<Uint8Array> {
    this.opened++;
    const sealed = decodeAll(HpkeSealed, opening, 4096);
    const aad = sealedToWorkerAad(LABELS.sessionOpen, GENESIS, this.id);
    const sender = sealed.sender.tag === "SessionKey" ? sealed.sender.value : undefined;
    const { plaintext, exporter } = await open(this.key, sender, LABELS.sessionOpen, aad, sealed);
    const asked = decodeAll(SessionOpen, plaintext, 4096);
    const ephemeral = secureRandom(32);
    const accept = {
      session: toHex(secureRandom(16)),
      serverEphemeral: toHex(x25519.getPublicKey(ephemeral)),
      expiresAtMs: BigInt(Date.now() + 3_600_000),
    };
    const agreed = x25519.getSharedSecret(ephemeral, fromHex(asked.clientEphemeral));
    const accepted = concat(fromHex(accept.session), fromHex(accept.serverEphemeral), u64.enc(accept.expiresAtMs));
    const transcript = taggedHash(LABELS.sessionKeys, [aad, opening, accepted]);
    const ikm = concat(exporter.key(LABELS.sessionKeys), agreed);
    const key = (name: string) => derive(LABELS.sessionKeys, ikm, [transcript, utf8(name)]);
    this.sessions.set(accept.session, {
      toServer: key("client to server"),
      toClient: key("server to client"),
      origin: asked.certificate?.account,
    });
    return SessionAccept.enc({ ...accept, confirmation: hmac(sha256, key("confirmation"), transcript) });
  }

  private async query(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const envelope = decodeAll(Envelope, bytes, 1024 * 1024);
    if (envelope.tag === "Session") {
      const { session, sequence, ciphertext } = envelope.value;
      const kept = this.sessions.get(session);
      if (!kept) return undefined;
      const plaintext = await aes("decrypt", kept.toServer, LABELS.sessionQuery, session, sequence, ciphertext);
      const reply = this.reply(decodeAll(QueryRequest, plaintext, 1024 * 1024), kept.origin);
      return this.seal(kept.toClient, LABELS.sessionReply, session, sequence, reply);
    }
    const aad = sealedToWorkerAad(LABELS.oneShotQuery, GENESIS, this.id);
    const { sender } = envelope.value;
    const from = sender.tag === "SessionKey" ? sender.value : undefined;
    const { plaintext, exporter } = await open(this.key, from, LABELS.oneShotQuery, aad, envelope.value);
    const { request, certificate } = decodeAll(OneShotQuery, plaintext, 1024 * 1024);
    const reply = this.reply(request, certificate?.account);
    return this.seal(exporter.key(LABELS.oneShotReply), LABELS.oneShotReply, toHex(new Uint8Array(16)), 0n, reply);
  }

  private reply(request: QueryRequest, origin: Hex | undefined): Uint8Array {
    this.questions.push(request);
    const { block, answer, receipts } = this.conduct;
    const blockHash = this.conduct.blockHash ?? toHex(new Uint8Array(32).fill(block & 0xff));
    const stateRoot = this.conduct.stateRoot ?? toHex(new Uint8Array(32).fill((block ^ 0x55) & 0xff));
    const result: QueryResult =
      block < request.minimumBlock ? { ok: false, error: { tag: "BlockNotReached", value: { have: block } } } : answer;
    const receipt =
      receipts && request.receipt ? this.receipt(request, origin, result, block, blockHash, stateRoot) : undefined;
    return QueryReply.enc({ blockNumber: block, blockHash, stateRoot, result, receipt });
  }

  private receipt(
    request: QueryRequest,
    origin: Hex | undefined,
    answer: QueryResult,
    blockNumber: number,
    blockHash: Hex,
    stateRoot: Hex,
  ): Receipt {
    const body = {
      genesis: GENESIS,
      cluster: CLUSTER,
      contract: GENESIS,
      codeHash: GENESIS,
      requestCommitment: requestCommitment(origin, request),
      answerCommitment: answerCommitment(request.nonce, answer),
      blockNumber,
      blockHash,
      stateRoot,
      nextNumber: BigInt(blockNumber * 2),
      worker: this.id,
    };
    const leaf = taggedHash(LABELS.receiptLeaf, [ReceiptBody.enc(body)]);
    const one = Uint8Array.of(1, 0, 0, 0);
    const signed = taggedHash(LABELS.receiptBatch, [fromHex(GENESIS), fromHex(this.id), one, leaf]);
    return { body, leafIndex: 0, leafCount: 1, path: [], signature: this.identity.sign(signed) };
  }

  private async seal(key: Uint8Array, label: Label, session: Hex, sequence: bigint, reply: Uint8Array): Promise<Uint8Array> {
    const padded = new Uint8Array(Math.ceil((4 + reply.length) / 256) * 256);
    new DataView(padded.buffer).setUint32(0, reply.length, true);
    padded.set(reply, 4);
    const sealed = await aes("encrypt", key, label, session, sequence, padded);
    if (this.conduct.damages) sealed[0]! ^= 1;
    return sealed;
  }
}

async function aes(
  direction: "encrypt" | "decrypt",
  bytes: Uint8Array,
  label: Label,
  session: Hex,
  sequence: bigint,
  data: Uint8Array,
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes), "AES-GCM", false, [direction]);
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, sequence, false);
  const additionalData = new Uint8Array(taggedHash(label, [fromHex(session), u64.enc(sequence)]));
  return new Uint8Array(await crypto.subtle[direction]({ name: "AES-GCM", iv, additionalData }, key, new Uint8Array(data)));
}
