import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Backend, ChainCall, Progress } from "./backend";
import type { Account } from "./accounts";
import type { State, Store } from "./store";

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error("no network is connected here");
  return store;
}

export function useBackend(): Backend {
  return useStore().backend;
}

/** A part of the shared state; the component renders again when that part is another value. */
export function useShared<T>(select: (state: State) => T): T {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, () => select(store.state));
}

export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/** Something that is read once, again when `key` changes, and every `everyMs` if given. */
export function useLoaded<T>(key: string, load: () => Promise<T>, everyMs?: number): Loaded<T> {
  const [result, setResult] = useState<{ key: string; value?: T; error?: unknown }>({ key: "" });
  const [round, setRound] = useState(0);
  const newest = useRef(load);
  newest.current = load;
  useEffect(() => {
    let live = true;
    newest.current().then(
      (value) => {
        if (live) setResult({ key, value });
      },
      (error: unknown) => {
        if (live) setResult((old) => ({ key, value: old.key === key ? old.value : undefined, error }));
      },
    );
    return () => {
      live = false;
    };
  }, [key, round]);
  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setRound((old) => old + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const mine = result.key === key;
  return {
    value: mine ? result.value : undefined,
    error: mine ? (result.error ?? null) : null,
    loading: !mine || (result.value === undefined && result.error === undefined),
    reload,
  };
}

export interface Sending {
  step: Progress | null;
  error: unknown;
  done: { block: number } | null;
  send: (call: ChainCall, account: Account) => Promise<boolean>;
  reset: () => void;
}

/** A transaction from a form: where it is, and how it ended. */
export function useSending(): Sending {
  const store = useStore();
  const [state, setState] = useState<Omit<Sending, "send" | "reset">>({ step: null, error: null, done: null });
  const send = useCallback(
    async (call: ChainCall, account: Account) => {
      setState({ step: "signing", error: null, done: null });
      try {
        const done = await store.backend.submit(call, account, (step) => setState({ step, error: null, done: null }));
        setState({ step: null, error: null, done });
        await store.refresh();
        return true;
      } catch (error) {
        setState({ step: null, error, done: null });
        return false;
      }
    },
    [store],
  );
  const reset = useCallback(() => setState({ step: null, error: null, done: null }), []);
  return { ...state, send, reset };
}
