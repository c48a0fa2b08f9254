// Written by `phat codegen` for shapes 0.1.0, code 0x4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d. Write it anew when the contract changes.

import {
  Contract,
  ContractFile,
  deploy,
  type Answer,
  type CallOptions,
  type Chain,
  type Cluster,
  type DeployOptions,
  type Done,
  type QueryOptions,
} from "@phat/client";

export type Empty = [];

export type Failure = "NotFound" | { TooMuch: { most: bigint } };

export type Order = { to: string; amount: bigint; note: string | null; tags: ([number, number])[]; blob: `0x${string}`; hash: `0x${string}`; shape: Shape; map: ([number, boolean])[]; fixed: number[]; count: bigint; empty: Empty };

export type Shape = "Point" | { Circle: { radius: number } } | { Pair: [number, boolean] } | { Named: string } | { Nested: Shape };

export type Tree = { value: number; children: Tree[] };

/** The contract's metadata, without its code. */
const METADATA: object = {"source":{"hash":"0x4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"},"contract":{"name":"shapes","version":"0.1.0","authors":[]},"spec":{"constructors":[{"label":"new","selector":"0x9bae9d5e","args":[{"label":"owner","type":{"displayName":[],"type":0}}],"mutates":false,"payable":false,"default":false,"docs":["About new."],"returnType":{"displayName":[],"type":3}}],"messages":[{"label":"place","selector":"0x00000001","args":[{"label":"order","type":{"displayName":[],"type":6}}],"mutates":true,"payable":false,"default":false,"docs":["About place."],"returnType":{"displayName":[],"type":27}},{"label":"find","selector":"0x00000002","args":[{"label":"id","type":{"displayName":[],"type":25}}],"mutates":false,"payable":false,"default":false,"docs":["About find."],"returnType":{"displayName":[],"type":30}},{"label":"draw","selector":"0x00000003","args":[{"label":"shape","type":{"displayName":[],"type":16}}],"mutates":false,"payable":false,"default":false,"docs":["About draw."],"returnType":{"displayName":[],"type":32}},{"label":"plant","selector":"0x00000004","args":[{"label":"tree","type":{"displayName":[],"type":33}}],"mutates":false,"payable":false,"default":false,"docs":["About plant."],"returnType":{"displayName":[],"type":35}},{"label":"count","selector":"0x00000005","args":[{"label":"numbers","type":{"displayName":[],"type":36}}],"mutates":false,"payable":false,"default":false,"docs":["About count."],"returnType":{"displayName":[],"type":41}},{"label":"Trait::rest","selector":"0x00000006","args":[],"mutates":true,"payable":false,"default":false,"docs":["About Trait::rest."],"returnType":{"displayName":[],"type":3}}],"events":[],"docs":[]},"types":[{"id":0,"type":{"path":["main","shared","shapes","AccountId"],"def":{"composite":{"fields":[{"type":1,"typeName":"[u8; 32]"}]}}}},{"id":1,"type":{"def":{"array":{"len":32,"type":2}}}},{"id":2,"type":{"def":{"primitive":"u8"}}},{"id":3,"type":{"path":["Result"],"params":[{"name":"T","type":4},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":4}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}},{"id":4,"type":{"def":{"tuple":[]}}},{"id":5,"type":{"path":["main","shared","shapes","LangError"],"def":{"variant":{"variants":[{"name":"CouldNotReadInput","index":1}]}}}},{"id":6,"type":{"path":["main","shared","shapes","Order"],"def":{"composite":{"fields":[{"name":"to","type":0,"typeName":"AccountId"},{"name":"amount","type":7,"typeName":"u128"},{"name":"note","type":8,"typeName":"Option<String>"},{"name":"tags","type":10,"typeName":"Vec<(u8, i16)>"},{"name":"blob","type":13,"typeName":"Vec<u8>"},{"name":"hash","type":14,"typeName":"Hash"},{"name":"shape","type":16,"typeName":"Shape"},{"name":"map","type":19,"typeName":"BTreeMap<u32, bool>"},{"name":"fixed","type":22,"typeName":"[u16; 2]"},{"name":"count","type":24,"typeName":"u64"},{"name":"empty","type":26,"typeName":"Empty"}]}}}},{"id":7,"type":{"def":{"primitive":"u128"}}},{"id":8,"type":{"path":["Option"],"params":[{"name":"T","type":9}],"def":{"variant":{"variants":[{"name":"None","index":0},{"name":"Some","fields":[{"type":9}],"index":1}]}}}},{"id":9,"type":{"def":{"primitive":"str"}}},{"id":10,"type":{"def":{"sequence":{"type":11}}}},{"id":11,"type":{"def":{"tuple":[2,12]}}},{"id":12,"type":{"def":{"primitive":"i16"}}},{"id":13,"type":{"def":{"sequence":{"type":2}}}},{"id":14,"type":{"path":["main","shared","shapes","Hash"],"def":{"composite":{"fields":[{"type":15,"typeName":"[u8; 4]"}]}}}},{"id":15,"type":{"def":{"array":{"len":4,"type":2}}}},{"id":16,"type":{"path":["main","shared","shapes","Shape"],"def":{"variant":{"variants":[{"name":"Point","index":0},{"name":"Circle","fields":[{"name":"radius","type":17,"typeName":"u32"}],"index":1},{"name":"Pair","fields":[{"type":2,"typeName":"u8"},{"type":18,"typeName":"bool"}],"index":2},{"name":"Named","fields":[{"type":9,"typeName":"String"}],"index":3},{"name":"Nested","fields":[{"type":16,"typeName":"Box<Shape>"}],"index":9}]}}}},{"id":17,"type":{"def":{"primitive":"u32"}}},{"id":18,"type":{"def":{"primitive":"bool"}}},{"id":19,"type":{"path":["BTreeMap"],"params":[{"name":"K","type":17},{"name":"V","type":18}],"def":{"composite":{"fields":[{"type":20}]}}}},{"id":20,"type":{"def":{"sequence":{"type":21}}}},{"id":21,"type":{"def":{"tuple":[17,18]}}},{"id":22,"type":{"def":{"array":{"len":2,"type":23}}}},{"id":23,"type":{"def":{"primitive":"u16"}}},{"id":24,"type":{"def":{"compact":{"type":25}}}},{"id":25,"type":{"def":{"primitive":"u64"}}},{"id":26,"type":{"path":["main","shared","shapes","Empty"],"def":{"composite":{}}}},{"id":27,"type":{"path":["Result"],"params":[{"name":"T","type":28},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":28}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}},{"id":28,"type":{"path":["Result"],"params":[{"name":"T","type":25},{"name":"E","type":29}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":25}],"index":0},{"name":"Err","fields":[{"type":29}],"index":1}]}}}},{"id":29,"type":{"path":["main","shared","shapes","Failure"],"def":{"variant":{"variants":[{"name":"NotFound","index":0},{"name":"TooMuch","fields":[{"name":"most","type":7,"typeName":"u128"}],"index":1}]}}}},{"id":30,"type":{"path":["Result"],"params":[{"name":"T","type":31},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":31}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}},{"id":31,"type":{"path":["Option"],"params":[{"name":"T","type":6}],"def":{"variant":{"variants":[{"name":"None","index":0},{"name":"Some","fields":[{"type":6}],"index":1}]}}}},{"id":32,"type":{"path":["Result"],"params":[{"name":"T","type":16},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":16}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}},{"id":33,"type":{"path":["main","shared","shapes","Tree"],"def":{"composite":{"fields":[{"name":"value","type":2,"typeName":"u8"},{"name":"children","type":34,"typeName":"Vec<Tree>"}]}}}},{"id":34,"type":{"def":{"sequence":{"type":33}}}},{"id":35,"type":{"path":["Result"],"params":[{"name":"T","type":33},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":33}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}},{"id":36,"type":{"def":{"tuple":[2,23,17,25,7,37,12,38,39,40]}}},{"id":37,"type":{"def":{"primitive":"i8"}}},{"id":38,"type":{"def":{"primitive":"i32"}}},{"id":39,"type":{"def":{"primitive":"i64"}}},{"id":40,"type":{"def":{"primitive":"i128"}}},{"id":41,"type":{"path":["Result"],"params":[{"name":"T","type":36},{"name":"E","type":5}],"def":{"variant":{"variants":[{"name":"Ok","fields":[{"type":36}],"index":0},{"name":"Err","fields":[{"type":5}],"index":1}]}}}}],"version":5};

/** The contract shapes 0.1.0. */
export class Shapes {
  /** Its metadata. */
  static readonly file: ContractFile = ContractFile.parse(METADATA);

  /** The contract, for what is not here. */
  readonly contract: Contract;

  constructor(contract: Contract) {
    this.contract = contract;
  }

  /** The contract with this id: finds its cluster, with a proof. */
  static async at(chain: Chain, id: `0x${string}`, options: { cluster?: Cluster; signal?: AbortSignal } = {}): Promise<Shapes> {
    return new Shapes(await Contract.at(chain, id, Shapes.file, options));
  }

  /** Deploys the contract: `code` is its .contract file. */
  static readonly deploy = {
    /** About new. */
    new: async (chain: Chain, code: ContractFile, owner: string, options: Omit<DeployOptions, "args" | "constructorName">): Promise<Shapes> =>
      new Shapes((await deploy(chain, code, { ...options, constructorName: "new", args: [owner] })).contract),
  };

  /** Asks: sealed, answered at once, nothing changes. A message that changes state can be tried. */
  readonly query = {
    /** About place. Refused with `Failure`. */
    place: (order: Order, options?: QueryOptions): Promise<Answer<bigint>> =>
      this.contract.query("place", [order], options),
    /** About find. */
    find: (id: bigint, options?: QueryOptions): Promise<Answer<Order | null>> =>
      this.contract.query("find", [id], options),
    /** About draw. */
    draw: (shape: Shape, options?: QueryOptions): Promise<Answer<Shape>> =>
      this.contract.query("draw", [shape], options),
    /** About plant. */
    plant: (tree: Tree, options?: QueryOptions): Promise<Answer<Tree>> =>
      this.contract.query("plant", [tree], options),
    /** About count. */
    count: (numbers: [number, number, number, bigint, bigint, number, number, number, bigint, bigint], options?: QueryOptions): Promise<Answer<[number, number, number, bigint, bigint, number, number, number, bigint, bigint]>> =>
      this.contract.query("count", [numbers], options),
    /** About Trait::rest. */
    "Trait::rest": (options?: QueryOptions): Promise<Answer<null>> =>
      this.contract.query("Trait::rest", [], options),
  };

  /** Sends commands: sealed, on chain; waits until they have been run. */
  readonly call = {
    /** About place. Refused with `Failure`. */
    place: (order: Order, options: CallOptions): Promise<Done<bigint>> =>
      this.contract.call("place", [order], options),
    /** About Trait::rest. */
    "Trait::rest": (options: CallOptions): Promise<Done<null>> =>
      this.contract.call("Trait::rest", [], options),
  };
}
