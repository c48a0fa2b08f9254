/** Sealing commands. */

import { LABELS, taggedHash } from "./domain.js";
import { fromHex, type Hex } from "./hex.js";
import { HpkeSecret, open, seal } from "./hpke.js";
import { secureRandom, type Random } from "./random.js";
import { decodeAll } from "./scale.js";
import { COMMAND_BYTES_MAX, InkCommand, type CommandPayload } from "./wire.js";

/** Where a command goes and who sends it: what its seal is bound to. */
export interface CommandRoute {
  genesis: Hex;
  contract: Hex;
  /** Who signs the extrinsic. */
  sender: Hex;
}

function aad({ genesis, contract, sender }: CommandRoute): Uint8Array {
  return taggedHash(LABELS.sealedCommand, [fromHex(genesis, 32), fromHex(contract, 32), fromHex(sender, 32)]);
}

/** Seals a command to a contract's key from the chain. */
export async function sealCommand(
  contractKey: Hex,
  route: CommandRoute,
  command: InkCommand,
  random: Random = secureRandom,
): Promise<CommandPayload> {
  const plaintext = InkCommand.enc(command);
  const { sealed } = await seal(contractKey, undefined, LABELS.sealedCommand, aad(route), plaintext, random);
  return { tag: "Sealed", value: sealed };
}

/** Opens a sealed command, as workers do. */
export async function openCommand(key: HpkeSecret, route: CommandRoute, payload: CommandPayload): Promise<InkCommand> {
  if (payload.tag !== "Sealed") throw new TypeError("only sealed commands are opened here");
  const { plaintext } = await open(key, undefined, LABELS.sealedCommand, aad(route), payload.value);
  return decodeAll(InkCommand, plaintext, COMMAND_BYTES_MAX);
}
