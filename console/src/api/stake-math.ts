// What a stake gives: `client/cli/src/commands/stake.rs` and the system contract's `change_deposit`.

interface Staked {
  id: string;
  stake: bigint;
}

/** One weight for a hundredth of a token, as far as a weight goes. */
export function weightOf(stake: bigint, decimals: number): number {
  const weight = stake / 10n ** BigInt(Math.max(0, decimals - 2));
  return Number(weight > 0xffff_ffffn ? 0xffff_ffffn : weight);
}

/** The part of a processor that one contract gets when all compute at once: all that have no weight count
    together as one of weight 1. */
export function shareOfProcessor(id: string, contracts: Staked[], decimals = 12): number {
  const weights = contracts.map((contract) => ({ id: contract.id, weight: weightOf(contract.stake, decimals) }));
  const own = weights.find((one) => one.id === id)?.weight ?? 0;
  const idle = weights.filter((one) => one.weight === 0).length;
  const sum = weights.reduce((total, one) => total + one.weight, 0) + (idle > 0 ? 1 : 0);
  if (sum === 0) return 0;
  return own === 0 ? 1 / sum / Math.max(1, idle) : own / sum;
}
