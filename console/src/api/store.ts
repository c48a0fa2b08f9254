// What the whole page shares: the connection, live blocks, the newest snapshot, who is signed in.
// Pages read it through hooks (`hooks.ts`); only this file subscribes to the back end.

import type { Backend, LinkState } from "./backend";
import type { SignedIn } from "./accounts";
import type { Happening, Hex, SeenBlock, Snapshot, WorkerSays } from "./model";

/** Blocks that the ribbon shows. */
const BLOCKS_KEPT = 64;
const HAPPENINGS_KEPT = 40;
/** Pause between two snapshots. */
const SNAPSHOT_MS = 3_000;
/** Pause between two rounds of asking workers how they are. */
const WORKERS_MS = 5_000;
/** Workers that are asked; the rest of a large network shows as not asked. */
export const WORKERS_ASKED_MAX = 32;

export interface WorkerWord {
  says: WorkerSays | null;
  error: string | null;
}

export interface State {
  link: LinkState;
  blocks: SeenBlock[];
  best: number | null;
  final: SeenBlock | null;
  happenings: Happening[];
  snapshot: Snapshot | null;
  snapshotError: unknown;
  words: ReadonlyMap<Hex, WorkerWord>;
  signedIn: SignedIn | null;
}

export class Store {
  #state: State = {
    link: "connected",
    blocks: [],
    best: null,
    final: null,
    happenings: [],
    snapshot: null,
    snapshotError: null,
    words: new Map(),
    signedIn: null,
  };
  readonly #listeners = new Set<() => void>();
  readonly #ends: (() => void)[] = [];
  #closed = false;

  constructor(readonly backend: Backend) {}

  get state(): State {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    this.#ends.push(
      this.backend.watchBlocks((block) => this.#block(block)),
      this.backend.watchHappenings((told) =>
        this.#set({ happenings: [...told.reverse(), ...this.#state.happenings].slice(0, HAPPENINGS_KEPT) }),
      ),
      this.backend.watchLink((link) => this.#set({ link })),
    );
    void this.#repeat(SNAPSHOT_MS, () => this.refresh());
    void this.#repeat(WORKERS_MS, () => this.#askWorkers());
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#ends) end();
    this.backend.close();
  }

  signIn(signedIn: SignedIn | null): void {
    this.#set({ signedIn });
  }

  /** Reads everything anew; pages call it after they changed something. */
  async refresh(): Promise<void> {
    try {
      this.#set({ snapshot: await this.backend.snapshot(), snapshotError: null });
    } catch (error) {
      this.#set({ snapshotError: error });
    }
  }

  async #repeat(pauseMs: number, work: () => Promise<void>): Promise<void> {
    while (!this.#closed) {
      // A page in the background asks nobody anything.
      if (document.visibilityState === "visible") await work();
      await new Promise((resolve) => setTimeout(resolve, this.#state.snapshot ? pauseMs : Math.min(pauseMs, 500)));
    }
  }

  async #askWorkers(): Promise<void> {
    const workers = this.#state.snapshot?.workers.filter((worker) => worker.endpoints.length > 0) ?? [];
    const words = await Promise.all(
      workers.slice(0, WORKERS_ASKED_MAX).map(async (worker): Promise<[Hex, WorkerWord]> => {
        try {
          return [worker.id, { says: await this.backend.workerSays(worker.endpoints[0]!), error: null }];
        } catch (error) {
          return [worker.id, { says: null, error: error instanceof Error ? error.message : String(error) }];
        }
      }),
    );
    if (words.length > 0) this.#set({ words: new Map(words) });
  }

  #block(block: SeenBlock): void {
    const others = this.#state.blocks.filter((known) => known.number !== block.number);
    const blocks = [...others, block].sort((one, other) => one.number - other.number).slice(-BLOCKS_KEPT);
    const final =
      block.finalAtMs !== null && block.number >= (this.#state.final?.number ?? 0) ? block : this.#state.final;
    this.#set({ blocks, final, best: Math.max(this.#state.best ?? 0, block.number) });
  }

  #set(change: Partial<State>): void {
    if (this.#closed) return;
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
