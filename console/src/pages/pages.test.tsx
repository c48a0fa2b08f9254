// Pages over the made-up network: what a person reads, in all states, and what a screen reader finds.

import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ReactElement } from "react";
import type { Account } from "../api/accounts";
import { StoreContext } from "../api/hooks";
import { Store } from "../api/store";
import { mockBackend, type MockOptions } from "../mock-api/mock-backend";
import { EMPTY, id } from "../mock-api/network";
import { ContractPage } from "./contract";
import { ContractsPage } from "./contracts";
import { DeployPage } from "./deploy";
import { GovernancePage } from "./governance";
import { MapPage } from "./map";
import { ConnectPage, NetworkPage } from "./network";
import { OverviewPage } from "./overview";
import { PoolPage } from "./pool";
import { PoolsPage } from "./pools";
import { ReferendumPage } from "./referendum";
import { TreasuryPage } from "./treasury";
import { VerifyPage } from "./verify";
import { WorkerPage } from "./worker";
import { WorkersPage } from "./workers";

const stores: Store[] = [];

function show(page: ReactElement, options: MockOptions = {}) {
  const store = new Store(mockBackend(options));
  store.start();
  stores.push(store);
  const rendered = render(<StoreContext.Provider value={store}>{page}</StoreContext.Provider>);
  return { ...rendered, store };
}

beforeEach(() => localStorage.clear());
afterEach(() => {
  cleanup();
  for (const store of stores.splice(0)) store.close();
});

const failing: MockOptions = { snapshot: () => Promise.reject(new Error("the node does not answer")) };
const never: MockOptions = { snapshot: () => new Promise(() => {}) };
const empty: MockOptions = { snapshot: () => EMPTY };

describe("every list", () => {
  const lists: [string, ReactElement, string][] = [
    ["overview", <OverviewPage />, "There is no cluster yet"],
    ["map", <MapPage />, "No worker has joined yet"],
    ["workers", <WorkersPage />, "No worker has joined yet"],
    ["contracts", <ContractsPage />, "No contract has been deployed yet"],
  ];
  it.each(lists)("%s says that it loads", (_, page) => {
    show(page, never);
    expect(screen.getAllByRole("status")[0]?.textContent).toContain("Loading");
  });
  it.each(lists)("%s says why it cannot", async (_, page) => {
    show(page, failing);
    expect((await screen.findByRole("alert")).textContent).toContain("The node does not answer");
  });
  it.each(lists)("%s says what to do when there is nothing", async (_, page, title) => {
    show(page, empty);
    expect(await screen.findByText(title)).toBeTruthy();
  });
});

describe("overview", () => {
  it("says how the network is, and why", async () => {
    show(<OverviewPage />);
    const health = await screen.findByRole("region", { name: "Health" });
    expect(health.textContent).toContain("is suspended");
    expect(screen.getByText("Queries a second")).toBeTruthy();
    expect(within(await screen.findByRole("table", { name: "Clusters" })).getByText("Cluster 1")).toBeTruthy();
  });
});

describe("map", () => {
  it("opens a place by keyboard", async () => {
    show(<MapPage />);
    const pin = await screen.findByRole("button", { name: "Frankfurt, Germany: 2 workers" });
    fireEvent.keyDown(pin, { key: "Enter" });
    expect(pin.getAttribute("aria-expanded")).toBe("true");
    expect(screen.getByText("Frankfurt, Germany")).toBeTruthy();
  });
  it("says how places are declared where none is", async () => {
    show(<MapPage />, { identity: { hasPlaces: false } });
    expect(await screen.findByText("This network has no places")).toBeTruthy();
  });
});

describe("workers", () => {
  it("finds by search", async () => {
    show(<WorkersPage />);
    fireEvent.change(await screen.findByRole("searchbox"), { target: { value: "nairobi" } });
    expect(screen.getAllByRole("row")).toHaveLength(2);
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "atlantis" } });
    expect(screen.getByText("No worker fits")).toBeTruthy();
  });
  it("says what is wrong with one and what to do", async () => {
    show(<WorkerPage id={id(1, 4)} />);
    expect(await screen.findByText(/did not answer the heartbeat of block 1480/)).toBeTruthy();
    expect(screen.getByText(/the first answer ends this/)).toBeTruthy();
    expect(await screen.findByRole("img", { name: /^Earned/ })).toBeTruthy();
  });
  it("knows no stranger", async () => {
    show(<WorkerPage id={id(1, 99)} />);
    expect(await screen.findByText("No such worker on this network")).toBeTruthy();
    cleanup();
    show(<WorkerPage id="0x12" />);
    expect(await screen.findByText("That is no worker’s key")).toBeTruthy();
  });
});

describe("pools", () => {
  it("says it clearly where a network has none", () => {
    show(<PoolsPage />, { identity: { hasEconomy: false } });
    expect(screen.getByText("This network has no pools")).toBeTruthy();
    cleanup();
    show(<PoolPage id={0} />, { identity: { hasEconomy: false } });
    expect(screen.getByText("This network has no pools")).toBeTruthy();
  });
  it("shows who waits", async () => {
    show(<PoolPage id={1} />);
    expect(within(await screen.findByRole("table", { name: "Queue" })).getAllByRole("row")).toHaveLength(3);
  });
  it("knows no stranger", async () => {
    show(<PoolPage id={77} />);
    expect(await screen.findByText("There is no such pool")).toBeTruthy();
  });
});

describe("governance", () => {
  it("says what waits, what goes on, and what has ended", async () => {
    show(<GovernancePage />);
    expect(await screen.findByText(/Hardware down to tier 4 may join/)).toBeTruthy();
    expect(within(screen.getByRole("table", { name: "Referenda" })).getAllByRole("row")).toHaveLength(4);
    fireEvent.click(screen.getByRole("button", { name: "Ended" }));
    expect(screen.getByText("timed out")).toBeTruthy();
  });
  it("says so where nobody votes, where it loads and where it fails", async () => {
    show(<GovernancePage />, { identity: { hasGovernance: false } });
    expect(screen.getByText("Nobody votes on this network")).toBeTruthy();
    cleanup();
    show(<GovernancePage />, { governance: () => new Promise(() => {}) });
    expect(screen.getAllByRole("status")[0]?.textContent).toContain("Loading referenda");
    cleanup();
    show(<GovernancePage />, { governance: () => Promise.reject(new Error("the node does not answer")) });
    expect((await screen.findByRole("alert")).textContent).toContain("The node does not answer");
  });
  it("shows what a referendum would change, in figures", async () => {
    show(<ReferendumPage index={3} />);
    const table = await screen.findByRole("table", { name: "What changes" });
    expect(within(table).getByText("30000 PHA")).toBeTruthy();
    expect(within(table).getByText("40000 PHA")).toBeTruthy();
    expect(screen.getByText("Connect an account to vote")).toBeTruthy();
    expect(within(screen.getByRole("table", { name: "Votes" })).getAllByRole("row")).toHaveLength(4);
    expect(screen.getByText(/it passes from block/)).toBeTruthy();
  });
  it("warns of a call that nobody can read, and knows no stranger", async () => {
    show(<ReferendumPage index={1} />);
    expect(await screen.findByText("Nobody can see what it would do")).toBeTruthy();
    cleanup();
    show(<ReferendumPage index={0} />);
    expect(await screen.findByText("It has ended: timed out")).toBeTruthy();
    cleanup();
    show(<ReferendumPage index={99} />);
    expect(await screen.findByText("There is no such referendum")).toBeTruthy();
  });
  it("votes as who is signed in, and takes back", async () => {
    const { store } = show(<ReferendumPage index={3} />);
    const submit = vi.spyOn(store.backend, "submit");
    act(() => store.signIn({ account: { address: "45R" } as Account, wallet: null }));
    expect(await screen.findByText(/You vote for it/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Against" }));
    fireEvent.change(screen.getByLabelText("With how much"), { target: { value: "7" } });
    fireEvent.click(screen.getByRole("button", { name: "Vote" }));
    expect(await screen.findByText("It is counted")).toBeTruthy();
    expect(submit.mock.calls[0]?.[0].arguments).toEqual({
      poll_index: 3,
      vote: { type: "Standard", value: { vote: 1, balance: 7_000_000_000_000n } },
    });
    fireEvent.click(screen.getByRole("button", { name: "Take it back" }));
    await waitFor(() => expect(submit.mock.calls[1]?.[0].call).toBe("remove_vote"));
  });
  it("tells which spends may be paid", async () => {
    show(<TreasuryPage />);
    const spends = await screen.findByRole("table", { name: "Approved spends" });
    expect(within(spends).getByText("lapsed")).toBeTruthy();
    expect(within(spends).getAllByText("Connect an account to have it paid")).toHaveLength(1);
    expect(screen.getByText("A client for another language")).toBeTruthy();
  });
});

describe("contracts", () => {
  it("asks for the file, which the chain does not keep", async () => {
    show(<ContractPage id={id(2, 0)} />);
    expect(await screen.findByText("Drop its .contract file")).toBeTruthy();
  });
  it("needs an account for stakes only", async () => {
    show(<ContractPage id={id(2, 1)} />);
    fireEvent.click(await screen.findByRole("button", { name: "Stake" }));
    expect(screen.getByText("Connect an account to stake")).toBeTruthy();
  });
  it("refuses what is no contract's file", async () => {
    show(<DeployPage />);
    const input = screen.getByLabelText<HTMLInputElement>("Drop a .contract file");
    fireEvent.change(input, { target: { files: [new File(["nonsense"], "x.contract")] } });
    expect((await screen.findByRole("alert")).textContent).toContain("This is no .contract file");
  });
});

describe("network", () => {
  it("refuses what is no node's address", () => {
    render(<ConnectPage error={null} tried={null} />);
    fireEvent.change(screen.getByLabelText("Address of a node"), { target: { value: "https://x" } });
    fireEvent.click(screen.getByRole("button", { name: "Connect to this node" }));
    expect(screen.getByRole("alert").textContent).toContain("ws://");
  });
  it("warns that development networks keep no secret", () => {
    show(<NetworkPage />);
    expect(screen.getByText("Nothing on a development network is confidential")).toBeTruthy();
  });
});

it("verify explains all links before there is a file", async () => {
  show(<VerifyPage genesis={null} />);
  await waitFor(() => expect(screen.getAllByRole("listitem")).toHaveLength(11));
});
