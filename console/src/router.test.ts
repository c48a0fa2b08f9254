import { expect, it } from "vitest";
import { parseRoute } from "./router";

it.each([
  ["", { page: "overview" }],
  ["#/", { page: "overview" }],
  ["#/map", { page: "map" }],
  ["#/workers/0xAB", { page: "worker", id: "0xab" }],
  ["#/pools/3", { page: "pool", id: 3 }],
  ["#/governance", { page: "governance" }],
  ["#/referenda/7", { page: "referendum", id: 7 }],
  ["#/referenda/-1", { page: "unknown", path: "referenda/-1" }],
  ["#/treasury", { page: "treasury" }],
  ["#/contracts", { page: "contracts" }],
  ["#/verify/", { page: "verify" }],
  ["#/pools/x", { page: "unknown", path: "pools/x" }],
  ["#/nowhere", { page: "unknown", path: "nowhere" }],
  ["#/workers/a/b", { page: "unknown", path: "workers/a/b" }],
  ["#/workers/%E0%A4%A", { page: "worker", id: "%e0%a4%a" }],
])("%s leads to a page", (hash, route) => expect(parseRoute(hash)).toEqual(route));
