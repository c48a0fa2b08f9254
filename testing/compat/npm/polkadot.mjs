// @polkadot/api without anything of ours: connect, storage, transfer, events.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { check, equal, network } from './checks.mjs'

const api = await check('@polkadot/api connects', () =>
  ApiPromise.create({ provider: new WsProvider(network.node), noInitWarn: true }),
)
const keyring = new Keyring({ type: 'sr25519' })
const [from, to] = [keyring.addFromUri('//Dave'), keyring.addFromUri(`//To${Date.now()}`)]
const amount = 1_000_000_000_000n
await check('constants and storage are read', async () => {
  equal(api.consts.balances.existentialDeposit.toBigInt() > 0n, true)
  const clusters = await api.query.phalaPhatContracts.clusters.entries()
  equal(clusters.map(([key]) => key.args[0].toHex()), [network.cluster])
  const workers = await api.query.phalaPhatContracts.clusterWorkers(network.cluster)
  equal(workers.map((worker) => worker.toHex()).sort(), network.workers.map(({ worker }) => worker).sort())
  const endpoints = await api.query.phalaRegistry.endpoints.multi(workers)
  equal(endpoints.every((endpoint) => endpoint.unwrap().asV1[0].toString().startsWith('http')), true)
})
await check('a transfer is made and its event seen', async () => {
  const seen = new Promise((resolve) => {
    api.query.system.events((records) => {
      const transfer = records.find(({ event }) => api.events.balances.Transfer.is(event) && event.data.to.eq(to.address))
      if (transfer) resolve(transfer.event.data.amount.toBigInt())
    })
  })
  await new Promise((resolve, reject) => {
    api.tx.balances
      .transferKeepAlive(to.address, amount)
      .signAndSend(from, ({ status, dispatchError }) => {
        if (dispatchError) reject(dispatchError)
        if (status.isFinalized) resolve()
      })
      .catch(reject)
  })
  equal(`${await seen}`, `${amount}`)
  equal(`${(await api.query.system.account(to.address)).data.free.toBigInt()}`, `${amount}`)
})
process.exit(0)
