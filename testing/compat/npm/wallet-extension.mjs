// An extension as wallets for Substrate are: it puts itself into `window.injectedWeb3` before the page runs,
// shows what is to be signed, and signs what its owner approves. Here the owner is the test, which reads
// what was shown in `window.shownByWallet`, and refuses while `window.walletRefuses` is set.
import { Keyring } from '@polkadot/keyring'
import { TypeRegistry } from '@polkadot/types'
import { hexToU8a, isAscii, u8aEq, u8aToHex, u8aToString, u8aWrapBytes } from '@polkadot/util'
import { cryptoWaitReady, decodeAddress } from '@polkadot/util-crypto'

const NAME = 'test-wallet'
window.shownByWallet = []

const ready = cryptoWaitReady().then(() => {
  const keyring = new Keyring({ type: 'sr25519' })
  return keyring.addFromUri('//Charlie', { name: 'Charlie' })
})

async function approve(address, shown) {
  const pair = await ready
  // Whatever network's prefix the address is written with.
  if (!u8aEq(decodeAddress(address), pair.publicKey)) throw new Error('no such account')
  window.shownByWallet.push(shown)
  if (window.walletRefuses) throw new Error('Cancelled')
  return pair
}

const signer = {
  async signRaw({ address, data, type }) {
    if (type !== 'bytes') throw new Error('only bytes are signed')
    const bytes = hexToU8a(data)
    const pair = await approve(address, { kind: 'bytes', text: isAscii(bytes) ? u8aToString(bytes) : data })
    return { id: 1, signature: u8aToHex(pair.sign(u8aWrapBytes(bytes))) }
  },
  async signPayload(payload) {
    const { address, method, genesisHash } = payload
    const pair = await approve(address, { kind: 'transaction', method, genesisHash })
    const registry = new TypeRegistry()
    registry.setSignedExtensions(payload.signedExtensions)
    const { version } = payload
    return { id: 2, ...registry.createType('ExtrinsicPayload', payload, { version }).sign(pair) }
  },
}

const accounts = {
  async get() {
    const { address, meta } = await ready
    return [{ address, name: meta.name, type: 'sr25519', genesisHash: null }]
  },
  subscribe(tell) {
    accounts.get().then(tell)
    return () => {}
  },
}

window.injectedWeb3 = {
  ...window.injectedWeb3,
  [NAME]: {
    version: '1.0.0',
    async enable(origin) {
      window.shownByWallet.push({ kind: 'access', origin })
      return { accounts, signer }
    },
  },
}
