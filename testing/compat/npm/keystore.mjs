// A wallet's keyring opens the keystore that `phat` wrote, with its passphrase alone.
import { Keyring } from '@polkadot/keyring'
import { cryptoWaitReady, decodeAddress } from '@polkadot/util-crypto'
import { u8aToHex } from '@polkadot/util'
import { check, equal, network as keystore, refused } from './checks.mjs'

await cryptoWaitReady()
const pair = new Keyring().addFromJson(keystore.json)
await check('a wallet knows the account before it is opened', async () => {
  equal(u8aToHex(decodeAddress(pair.address)), keystore.account)
  equal([pair.isLocked, pair.meta.name], [true, keystore.name])
})
await check('another passphrase does not open it', () =>
  refused(async () => pair.unlock('another passphrase'), /Unable to decode/))
await check('its passphrase opens it, and it signs as that account', async () => {
  pair.unlock(keystore.passphrase)
  const message = new Uint8Array([1, 2, 3])
  equal(pair.verify(message, pair.sign(message), pair.publicKey), true)
})
process.exit(0)
