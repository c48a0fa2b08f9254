import { describe, expect, it } from "vitest";
import { amount, clusterName, decimal, parseAmount, percent, short, span } from "./format";

describe("amounts", () => {
  it.each([
    [0n, "0"],
    [12n * 10n ** 12n, "12"],
    [10n ** 12n / 2n, "0.5"],
    [1n, "<0.0001"],
    [1_234_567n * 10n ** 12n, "1\u00a0234\u00a0567"],
    [-(10n ** 12n), "−1"],
    [10n ** 12n + 1n, "1"],
  ])("%s is written %s", (value, text) => expect(amount(value, 12)).toBe(text));

  it.each([
    ["12", 12n * 10n ** 12n],
    ["0.5", 10n ** 12n / 2n],
    ["1 000", 1000n * 10n ** 12n],
    ["0.000000000001", 1n],
  ])("%s is read", (text, value) => expect(parseAmount(text, 12)).toBe(value));

  it.each(["", "-1", "1e3", "1.", ".5", "0.0000000000001", "x", "1,5", "9".repeat(40)])(
    "%s is refused with a reason",
    (text) => expect(parseAmount(text, 12)).toHaveProperty("wrong"),
  );
});

describe("keys and times", () => {
  it("shortens what is long, and nothing else", () => {
    expect(short(`0x${"ab".repeat(32)}`)).toBe("0xababab…ababab");
    expect(short("0x1234")).toBe("0x1234");
  });
  it("names clusters by their number", () => {
    expect(clusterName(`0x${"1".padStart(64, "0")}`)).toBe("Cluster 1");
    expect(clusterName(`0x${"ff".repeat(32)}`)).toBe("Cluster 0xffffff…ffffff");
  });
  it("writes spans in their largest unit", () => {
    expect([span(400), span(1_000), span(7_200_000), span(86_400_000 * 3)]).toEqual([
      "400 ms",
      "1 second",
      "2 hours",
      "3 days",
    ]);
  });
  it("writes decimals and parts", () => {
    expect([decimal(1.005, 1), decimal(12345.6), decimal(Number.NaN), percent(0.375), percent(1)]).toEqual([
      "1.0",
      "12\u00a0346",
      "–",
      "37.5 %",
      "100 %",
    ]);
  });
});
