/**
 * From a genesis hash to a final block and values in its state, proven: `core/chain-proof`, as WebAssembly.
 *
 * What crosses to WebAssembly is SCALE; its Rust side is `client/receipt-verifier` `proof`.
 */

import { ProofInvalid } from "./errors.js";
import { toHex, type Hex } from "./hex.js";
import {
  Enum,
  Option,
  Struct,
  Tuple,
  bool,
  bytes,
  decodeAll,
  hex32,
  list,
  result,
  str,
  u32,
  u64,
  type Codec,
  type CodecType,
} from "./scale.js";
import { ask, type Operation } from "./verifier.js";

/** Bounds of `core/chain-proof`. */
const NODES_MAX = 16_384;
const AUTHORITIES_MAX = 4096;
const PARTS_MAX = 1000;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

const nodes = list(bytes, NODES_MAX);
/** A set of GRANDPA's authorities. */
export const AuthoritySet = Struct({ id: u64, authorities: list(Tuple(hex32, u64) as Codec<[Hex, bigint]>, AUTHORITIES_MAX) });
/** A set of GRANDPA's authorities. */
export type AuthoritySet = CodecType<typeof AuthoritySet>;

/** Where a proof starts. */
const Start = Enum({
  Genesis: Struct({ hash: hex32, header: bytes, authorities: nodes }),
  Known: Struct({ after: u32, set: AuthoritySet }),
});
/** Where a proof starts. */
export type Start = CodecType<typeof Start>;

const ProveQuestion = Struct({ start: Start, warp: list(bytes, PARTS_MAX) });
const FinalBlock = Struct({ number: u32, hash: hex32, stateRoot: hex32, set: AuthoritySet, finished: bool });
/** A block that is proven to be final. */
export type FinalBlock = CodecType<typeof FinalBlock>;
const ReadQuestion = Struct({ root: hex32, nodes, keys: nodes });

/** Asks the verifier; its own refusal becomes {@link ProofInvalid}. */
export async function askProof<T>(operation: Operation, question: Uint8Array, answer: Codec<T>): Promise<T> {
  const bytes = await ask(operation, question);
  const verdict = decodeAll(result(answer, str), bytes, ANSWER_BYTES_MAX);
  if (!verdict.ok) throw new ProofInvalid(verdict.error);
  return verdict.value;
}

/** The last block of the warp proof's parts. */
export function proveFinal(start: Start, warp: Uint8Array[]): Promise<FinalBlock> {
  return askProof("phat_prove", ProveQuestion.enc({ start, warp }), FinalBlock as Codec<FinalBlock>);
}

/** A final block and what was proven under it. Only {@link proveValues} makes one. */
export class ProvenState {
  private constructor(
    /** The block's number. */
    readonly number: number,
    /** Its hash. */
    readonly hash: Hex,
    private readonly values: Map<Hex, Uint8Array | undefined>,
  ) {}

  /**
   * The value at `key`; `undefined` where it is proven that there is none.
   *
   * @throws ProofInvalid where the key was not asked for
   */
  read(key: Uint8Array): Uint8Array | undefined {
    const name = toHex(key);
    if (!this.values.has(name)) throw new ProofInvalid("it does not cover the value that is wanted");
    return this.values.get(name);
  }

  /** The block. */
  get block(): { number: number; hash: Hex } {
    return { number: this.number, hash: this.hash };
  }

  /** Proves `keys` under `block`. */
  static async prove(block: FinalBlock, trieNodes: Uint8Array[], wanted: Uint8Array[]): Promise<ProvenState> {
    const question = ReadQuestion.enc({ root: block.stateRoot, nodes: trieNodes, keys: wanted });
    const values = await askProof("phat_read", question, list(Option(bytes), NODES_MAX) as Codec<(Uint8Array | undefined)[]>);
    const pairs = wanted.map((key, place) => [toHex(key), values[place]] as const);
    return new ProvenState(block.number, block.hash, new Map(pairs));
  }
}
