import { expect, it } from "vitest";
import { placesFor, ticks } from "./plot";

it.each([
  [0, 10],
  [3.02, 3.11],
  [-5, 5],
  [7, 7],
  [0, 0],
  [1e-7, 3e-7],
])("marks hold all values from %s to %s, and are few", (low, high) => {
  const marks = ticks(low, high);
  expect(marks[0]).toBeLessThanOrEqual(low);
  expect(marks.at(-1)).toBeGreaterThanOrEqual(high);
  expect(marks.length).toBeGreaterThan(1);
  expect(marks.length).toBeLessThanOrEqual(7);
});

it("writes as many places as tell marks apart", () => {
  expect([placesFor(5), placesFor(1), placesFor(0.5), placesFor(0.01), placesFor(0.025), placesFor(2.5)]).toEqual([
    0, 0, 1, 2, 3, 1,
  ]);
});
