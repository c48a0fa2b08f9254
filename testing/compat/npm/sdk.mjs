import * as sdk from '@phala/sdk'
import { readFileSync } from 'node:fs'
import { check, equal, refused } from './checks.mjs'
import { flow } from './flow.mjs'

const { version } = JSON.parse(readFileSync('node_modules/@phala/sdk/package.json', 'utf8'))

const { api, registry, contract, cert, developer } = await flow(sdk, version)
if (version.startsWith('0.6')) {
  await check('what 0.6 adds works: q, exec, hasExists, sendPinkQuery, estimateContract', async () => {
    const provider = await sdk.KeyringPairProvider.create(api, developer)
    const mine = contract.withProvider(provider)
    const before = (await mine.q.get()).output.asOk.asOk.isTrue
    await mine.exec.flip({ waitFinalized: true })
    equal((await mine.q.get()).output.asOk.asOk.isTrue, !before)
    const asked = { address: contract.address, abi: contract.abi, functionName: 'get', provider }
    equal((await sdk.sendPinkQuery(registry, asked)).asOk.asOk.isTrue, !before)
    const estimate = await sdk.estimateContract(registry, { ...asked, functionName: 'flip', contractKey: contract.contractKey })
    equal(estimate.result.isOk, true)
    const code = new sdk.PinkCodePromise(registry, contract.abi)
    equal(await code.hasExists(), true)
  })
}
await check('a query too large is refused', async () => {
  const name = 'x'.repeat(600 * 1024)
  await refused(() => contract.query.setName(cert.address, { cert }, name), /413/)
})
process.exit(0)
