// What the scripts here share: where the network is, and the list of what held.
import { readFileSync } from 'node:fs'

/** Where the network is: what the test that runs the script says. */
export const network = JSON.parse(process.env.PHAT_COMPAT_NETWORK)

/** The contract of 2023, as its file holds it. */
export function contract() {
  const wasm = readFileSync(network.wasm)
  const metadata = JSON.parse(readFileSync(network.metadata, 'utf8'))
  metadata.source.wasm = '0x' + wasm.toString('hex')
  return metadata
}

/** Runs one check and says that it held; the script ends with the first that does not. */
export async function check(what, work) {
  try {
    const result = await work()
    console.log(`ok: ${what}`)
    return result
  } catch (error) {
    console.log(`FAILED: ${what}`)
    console.log(error?.stack ?? error)
    process.exit(1)
  }
}

export function equal(have, want) {
  const text = (value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part))
  if (text(have) !== text(want)) throw new Error(`${text(have)}, not ${text(want)}`)
}

/** What `work` is refused with; that it is, and that `pattern` is in it. */
export async function refused(work, pattern) {
  let done
  try {
    done = await work()
  } catch (error) {
    const text = `${error?.message ?? error}`
    if (!pattern.test(text)) throw new Error(`refused with "${text}", which is not ${pattern}`)
    return text
  }
  throw new Error(`it is not refused: ${JSON.stringify(done)}`)
}

/** Looks until `look` gives something. */
export async function until(what, look) {
  for (let left = 240; left > 0; left -= 1) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  throw new Error(`${what} did not happen`)
}
