// Pages over the made-up network: what a person reads, in all states, and what a screen reader finds.

import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReactElement } from "react";
import { StoreContext } from "../api/hooks";
import { Store } from "../api/store";
import { mockBackend, type MockOptions } from "../mock-api/mock-backend";
import { EMPTY, id } from "../mock-api/network";
import { ContractPage } from "./contract";
import { ContractsPage } from "./contracts";
import { DeployPage } from "./deploy";
import { MapPage } from "./map";
import { ConnectPage, NetworkPage } from "./network";
import { OverviewPage } from "./overview";
import { PoolPage } from "./pool";
import { PoolsPage } from "./pools";
import { VerifyPage } from "./verify";
import { WorkerPage } from "./worker";
import { WorkersPage } from "./workers";

const stores: Store[] = [];

function show(page: ReactElement, options: MockOptions = {}) {
  const store = new Store(mockBackend(options));
  store.start();
  stores.push(store);
  return render(<StoreContext.Provider value={store}>{page}</StoreContext.Provider>);
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
