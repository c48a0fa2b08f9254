// The whole flow of @phala/sdk: registry, upload, blueprint, instantiate, query, command, waitFinalized,
// logger, balances, stake. The same for each version; `sdk` is the package as npm has it.
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util'
import { createWalletClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { mainnet } from 'viem/chains'
import { check, contract as readContract, equal, network, refused, until } from './checks.mjs'

const PHA = 1_000_000_000_000n

export async function flow(sdk, version) {
  const {
    OnChainRegistry,
    PinkCodePromise,
    PinkContractPromise,
    PinkLoggerContractPromise,
    options,
    signAndSend,
    signCertificate,
  } = sdk
  const isOld = version.startsWith('0.5')
  const provider = new WsProvider(network.node)
  const api = await check('the chain is reached', () =>
    ApiPromise.create(options({ provider, noInitWarn: true })),
  )
  const keyring = new Keyring({ type: 'sr25519' })
  // Another account for each version, so that each sees only what it did.
  const developer = keyring.addFromUri(isOld ? '//Eve' : '//Ferdie')
  const stranger = keyring.addFromUri('//Stranger')

  const registry = await check('the registry finds cluster, worker, system contract and logger', async () => {
    const registry = await OnChainRegistry.create(api)
    equal(registry.clusterId, network.cluster)
    if (!network.workers.some(({ worker }) => worker === registry.remotePubkey)) {
      throw new Error(`the worker ${registry.remotePubkey} is none of the cluster's`)
    }
    if (!registry.systemContract) throw new Error('there is no system contract')
    equal(registry.loggerContract.address.toHex().length, 66)
    return registry
  })
  await check('the registry connects to a worker that is named', async () => {
    const named = await OnChainRegistry.create(api, { pruntimeURL: network.workers[0].url })
    equal(named.clusterId, network.cluster)
    const info = await named.phactory.getInfo({})
    equal(`0x${info.publicKey}`, network.workers[0].worker)
    equal(`0x${info.genesisBlockHash}`, api.genesisHash.toHex())
  })

  const cert = await signCertificate({ pair: developer })
  const balance = async () => (await registry.getClusterBalance(developer.address, cert)).free.toBigInt()
  await check('money moves into the cluster', async () => {
    const before = await balance()
    const result = await signAndSend(registry.transferToCluster(developer.address, PHA), developer)
    equal(result.events.some(({ event }) => event.method === 'Transfered'), true)
    await until('the transfer', async () => (await balance()) === before + PHA)
  })

  const abi = readContract()
  const blueprint = await check('code is uploaded', async () => {
    const code = isOld ? new PinkCodePromise(api, registry, abi) : new PinkCodePromise(registry, abi)
    const uploaded = await signAndSend(code.upload(), developer)
    await (isOld ? uploaded.waitFinalized(developer, cert) : uploaded.waitFinalized(cert, 30_000))
    return uploaded.blueprint
  })
  await check('code that is not there is not found', async () => {
    const exists = await registry.systemContract.query['system::codeExists'](
      cert.address,
      { cert },
      `0x${'11'.repeat(32)}`,
      'Ink',
    )
    equal(exists.output.asOk.isTrue, false)
  })
  const contract = await check('a contract is made, and paid for', async () => {
    const made = await blueprint.send.new({ pair: developer, cert })
    await made.waitFinalized()
    return made.contract
  })
  const contractId = contract.address.toHex()
  await check('a contract that cannot be made is reported', async () => {
    const tx = blueprint.tx.new({ gasLimit: 1, storageDepositLimit: null })
    const made = await signAndSend(tx, developer)
    await refused(() => made.waitFinalized(), /instantiate failed/)
  })

  const value = async (c = cert) => {
    const { output } = await contract.query.get(c.address, { cert: c })
    return output.asOk.asOk.isTrue
  }
  await check('a query is answered', async () => equal(await value(), false))
  await check('a sealed command is run', async () => {
    const sent = await contract.send.flip({ pair: developer, cert })
    await sent.waitFinalized()
    equal(await value(), true)
  })
  await check('a sealed command is run that the program pays for itself', async () => {
    const estimate = await contract.query.setName(developer.address, { cert }, 'Ada')
    equal(estimate.result.isOk, true)
    const tx = contract.tx.setName(
      { gasLimit: estimate.gasRequired.refTime, storageDepositLimit: null },
      'Ada',
    )
    const sent = await signAndSend(tx, developer)
    await sent.waitFinalized(async () => {
      const { output } = await contract.query.name(developer.address, { cert })
      return output.asOk.asOk.isSome && output.asOk.asOk.unwrap().toString() === 'Ada'
    })
  })
  await check('a command in the clear is run', async () => {
    const tx = contract.tx.flip({ gasLimit: 100_000_000_000n, plain: true })
    await (await signAndSend(tx, developer)).waitFinalized()
    await until('the command', async () => (await value()) === false)
  })
  await check('who asks is who signed', async () => {
    const other = await signCertificate({ pair: stranger })
    const { output } = await contract.query.name(stranger.address, { cert: other })
    equal(output.asOk.asOk.isNone, true)
  })

  await check('the logger has results and events for who may see them', async () => {
    const logger = isOld
      ? await PinkLoggerContractPromise.create(api, registry, registry.systemContract, developer)
      : await PinkLoggerContractPromise.create(registry, registry.systemContract, developer)
    const info = await logger.getInfo()
    equal(typeof info.nextSequence, 'number')
    const { records } = await logger.tail(100, { contract: contractId, abi })
    const results = records.filter(({ type }) => type === 'MessageOutput')
    const events = records.filter(({ type }) => type === 'Event')
    equal([results.length >= 3, events.length >= 2], [true, true])
    equal(results.every(({ output }) => 'ok' in output.result), true)
    const nobody = isOld
      ? await PinkLoggerContractPromise.create(api, registry, registry.systemContract, stranger)
      : await PinkLoggerContractPromise.create(registry, registry.systemContract, stranger)
    equal((await nobody.tail(100, { contract: contractId })).records, [])
  })
  await check('stake goes behind the contract and comes back', async () => {
    const stake = async (amount) => {
      if (isOld) {
        await signAndSend(api.tx.phalaPhatTokenomic.adjustStake(contractId, amount), developer)
      } else {
        const provider = await sdk.KeyringPairProvider.create(api, developer)
        await provider.adjustStake(contractId, amount)
      }
      const staked = await api.query.phalaPhatTokenomic.contractUserStakes(developer.address, contractId)
      equal(staked.toBigInt(), amount)
    }
    await stake(5n * PHA)
    await stake(0n)
  })

  await check('accounts of all kinds sign certificates', async () => {
    for (const type of ['ed25519', 'ecdsa']) {
      const pair = new Keyring({ type }).addFromUri('//Other')
      const other = await signCertificate({ pair })
      equal(await value(other), false)
    }
    // As a browser's extension signs: the bytes come wrapped.
    for (const type of ['sr25519', 'ed25519']) {
      const pair = new Keyring({ type }).addFromUri('//Extension')
      const signer = {
        signRaw: async ({ data }) => {
          const wrapped = u8aConcat(stringToU8a('<Bytes>'), data, stringToU8a('</Bytes>'))
          return { id: 1, signature: u8aToHex(pair.sign(wrapped)) }
        },
      }
      const other = await signCertificate({ signer, account: { address: pair.address, type } })
      equal(await value(other), false)
    }
  })
  await check('an Ethereum wallet signs a certificate', async () => {
    const account = privateKeyToAccount(`0x${'07'.repeat(32)}`)
    const client = createWalletClient({ account, chain: mainnet, transport: http('http://127.0.0.1:1') })
    const key = u8aToHex(new Keyring({ type: 'ecdsa' }).addFromSeed(new Uint8Array(32).fill(7)).publicKey)
    const sign = sdk.signEip712Certificate ?? sdk.unstable_signEip712Certificate
    const other = await sign({ client, account, compressedPubkey: key, compactPubkey: key })
    equal(await value(other), false)
  })
  await check('a certificate that has expired is refused', async () => {
    const other = await signCertificate({ pair: developer, ttl: 1 })
    await refused(() => value(other), /CertificateExpired/)
  })
  await check('a contract that is not there is not found', async () => {
    const other = new PinkContractPromise(api, registry, abi, `0x${'22'.repeat(32)}`, contract.contractKey)
    await refused(() => other.query.get(cert.address, { cert }), /ContractNotFound/)
  })
  await check('the worker tells what a contract is', async () => {
    equal(await sdk.unsafeGetContractCodeHash(registry, contractId), abi.source.hash)
  })
  return { sdk, api, registry, contract, cert, developer }
}
