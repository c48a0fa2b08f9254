// A page as web applications are: it finds wallets by `window.injectedWeb3`, signs in, asks and pays. What it
// does is called by name from the test.
import { ApiPromise, WsProvider } from '@polkadot/api'
import { web3Accounts, web3Enable, web3FromAddress } from '@polkadot/extension-dapp'
import { OnChainRegistry, UIKeyringProvider, options } from '@phala/sdk'
import { stringToHex, u8aToHex } from '@polkadot/util'
import { decodeAddress } from '@polkadot/util-crypto'

let api
let account

window.page = {
  async signIn(node) {
    api = await ApiPromise.create(options({ provider: new WsProvider(node), noInitWarn: true }))
    const extensions = await web3Enable('Phat test page')
    const accounts = await web3Accounts()
    account = accounts[0]
    return { extensions: extensions.map(({ name }) => name), accounts: accounts.map(({ address, meta }) => [address, meta.name]) }
  },

  // The text is that of docs/protocol/query.md, put together here on its own.
  async certificate(sessionKey, expiresAtMs) {
    const key = u8aToHex(decodeAddress(account.address))
    const text = [
      'Phat query certificate',
      `Network: ${api.genesisHash.toHex()}`,
      `Account: ${key}`,
      `Session key: ${sessionKey}`,
      `Valid until: ${expiresAtMs} (milliseconds since 1970)`,
      'Whoever holds the session key may read as this account. It cannot spend or change anything.',
    ].join('\n')
    const { signer } = await web3FromAddress(account.address)
    const { signature } = await signer.signRaw({ address: account.address, data: stringToHex(text), type: 'bytes' })
    return { account: key, genesis: api.genesisHash.toHex(), signature }
  },

  // As pages of the original network do it, through its SDK.
  async query() {
    const provider = await UIKeyringProvider.create(api, 'Phat test page', 'test-wallet', {
      address: account.address,
      type: 'sr25519',
    })
    const registry = await OnChainRegistry.create(api)
    const cert = await provider.signCertificate()
    const { output } = await registry.systemContract.query['system::getDriver'](cert.address, { cert }, 'PinkLogger')
    return { driver: output.asOk.unwrap().toHex(), logger: registry.loggerContract.address.toHex() }
  },

  async transfer(to, amount) {
    const { signer } = await web3FromAddress(account.address)
    return new Promise((resolve, reject) => {
      api.tx.balances
        .transferKeepAlive(to, amount)
        .signAndSend(account.address, { signer }, ({ status, events, dispatchError }) => {
          if (dispatchError) reject(new Error(dispatchError.toString()))
          if (status.isFinalized) resolve(events.map(({ event }) => `${event.section}.${event.method}`))
        })
        .catch(reject)
    })
  },

  async free(address) {
    return (await api.query.system.account(address)).data.free.toString()
  },
}
