// With the edge closed for the cluster: old clients read why, and their sealed commands are refused.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { OnChainRegistry, options, signAndSend } from '@phala/sdk'
import { check, network, refused } from './checks.mjs'

const provider = new WsProvider(network.node)
const api = await ApiPromise.create(options({ provider, noInitWarn: true }))
const reason = /switched the protocol of the original network off/
await check('with the edge closed a query is refused and says why', async () => {
  await refused(() => OnChainRegistry.create(api, { pruntimeURL: network.workers[0].url }), reason)
})
await check('with the edge closed a sealed command is refused by the chain', async () => {
  const system = (await api.query.phalaPhatContracts.clusters(network.cluster)).unwrap().systemContract
  const sender = new Keyring({ type: 'sr25519' }).addFromUri('//Ferdie')
  const sealed = api.tx.phalaPhatContracts.pushContractMessage(system, `0x01${'00'.repeat(64)}`, 0)
  let error
  await signAndSend(sealed, sender).catch((refusal) => {
    error = api.registry.findMetaError(refusal.asModule).name
  })
  if (error !== 'CompatibleEdgeClosed') throw new Error(`${error}`)
})
process.exit(0)
