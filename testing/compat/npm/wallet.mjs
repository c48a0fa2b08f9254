// Drives the page in Chromium. Prints what the wallet signed as certificate, for the test to judge.
import { build } from 'esbuild'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'
import { Keyring } from '@polkadot/api'
import { hexToString, isHex } from '@polkadot/util'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { check, equal, network, refused } from './checks.mjs'

async function bundle(file) {
  const built = await build({
    entryPoints: [file],
    bundle: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['browser', 'import', 'default'],
    alias: { stream: 'readable-stream' },
    define: { global: 'globalThis', 'process.env.NODE_ENV': '"production"' },
    inject: ['./wallet-shims.mjs'],
    write: false,
    logLevel: 'error',
  })
  return built.outputFiles[0].text
}

const [page_js, extension_js] = await Promise.all([bundle('wallet-page.mjs'), bundle('wallet-extension.mjs')])
const server = createServer((request, response) => {
  const script = request.url === '/page.js'
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
  response.end(script ? page_js : '<!doctype html><title>Phat</title><script src="/page.js"></script>')
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}/`

const browser = await chromium.launch({
  executablePath: network.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})
await cryptoWaitReady()
const page = await browser.newPage()
page.on('pageerror', (error) => console.log(`page: ${error}`))
await page.addInitScript(extension_js)
await page.goto(url)
const call = (name, ...values) =>
  page.evaluate(([name, values]) => window.page[name](...values), [name, values])
const shown = () => page.evaluate(() => window.shownByWallet.splice(0))

await check('a page signs in with a wallet of the browser', async () => {
  const { extensions, accounts } = await call('signIn', network.node)
  equal(extensions, ['test-wallet'])
  equal(accounts.map(([, name]) => name), ['Charlie'])
  equal((await shown()).map(({ kind, origin }) => [kind, origin])[0], ['access', 'Phat test page'])
})
await check('the wallet shows who may ask, on which network, and for how long', async () => {
  const expiresAtMs = Date.now() + 60 * 60 * 1000
  const sessionKey = `0x${'5e'.repeat(32)}`
  const certificate = await call('certificate', sessionKey, expiresAtMs)
  const [{ kind, text: seen }] = await shown()
  equal(kind, 'bytes')
  // This wallet, like the extension it is shaped after, shows text with line breaks as hexadecimal.
  const text = isHex(seen) ? hexToString(seen) : seen
  for (const part of [certificate.account, certificate.genesis, sessionKey, `${expiresAtMs}`]) {
    if (!text.includes(part)) throw new Error(`${part} is not in what is shown: ${text}`)
  }
  console.log(`certificate: ${JSON.stringify({ ...certificate, sessionKey, expiresAtMs })}`)
})
await check('a page of the original network asks as the wallet says', async () => {
  const { driver, logger } = await call('query')
  equal(driver, logger)
})
await check('a wallet signs a transaction', async () => {
  await shown()
  const to = new Keyring({ type: 'sr25519' }).addFromUri(`//Wallet${Date.now()}`).address
  const events = await call('transfer', to, '1000000000000')
  equal(events.includes('balances.Transfer'), true)
  equal(await call('free', to), '1000000000000')
  equal((await shown()).map(({ kind }) => kind), ['transaction'])
})
await check('a wallet that refuses stops it, and nothing is sent', async () => {
  await page.evaluate(() => {
    window.walletRefuses = true
  })
  const to = new Keyring({ type: 'sr25519' }).addFromUri(`//Refused${Date.now()}`).address
  await refused(() => call('transfer', to, '1000000000000'), /Cancelled/)
  await refused(() => call('query'), /Cancelled/)
  equal(await call('free', to), '0')
})
await browser.close()
server.close()
process.exit(0)
