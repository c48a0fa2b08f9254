// polkadot-api, the successor of @polkadot/api: metadata of version 15 and the new JSON-RPC.
import { createClient } from 'polkadot-api'
import { getPolkadotSigner } from 'polkadot-api/signer'
import { getWsProvider } from 'polkadot-api/ws'
import { sr25519CreateDerive } from '@polkadot-labs/hdkd'
import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy, ss58Address } from '@polkadot-labs/hdkd-helpers'
import { WebSocket } from 'ws'
import { check, equal, network } from './checks.mjs'

// Node.js 20 has no WebSocket of its own.
const client = createClient(getWsProvider(network.node, { websocketClass: WebSocket }))
const api = client.getUnsafeApi()
const derive = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)))
const from = derive('//Dave')
const signer = getPolkadotSigner(from.publicKey, 'Sr25519', from.sign)
const to = ss58Address(derive(`//Papi${Date.now()}`).publicKey)
const amount = 1_000_000_000_000n

await check('polkadot-api connects', async () => {
  equal((await client.getFinalizedBlock()).number >= 0, true)
})
await check('polkadot-api reads storage', async () => {
  const clusters = await api.query.PhalaPhatContracts.Clusters.getEntries()
  equal(clusters.map(({ keyArgs: [id] }) => (typeof id === 'string' ? id : id.asHex())), [network.cluster])
})
await check('polkadot-api makes a transfer and sees its event', async () => {
  const transfer = api.tx.Balances.transfer_keep_alive({ dest: { type: 'Id', value: to }, value: amount })
  const done = await transfer.signAndSubmit(signer)
  equal(done.ok, true)
  equal(done.events.some(({ type, value }) => type === 'Balances' && value.type === 'Transfer'), true)
  equal(`${(await api.query.System.Account.getValue(to)).data.free}`, `${amount}`)
})
process.exit(0)
