// An S3 server and an IPFS node on free ports of this machine: `node stores.mjs FOLDER BUCKET`.
// Prints a line with its port for each once it serves.

import { join } from 'node:path'
import { createRequire } from 'node:module'

// js-ipfs's dependencies use it; node.js has it from version 22 on.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}

const [folder, bucket] = process.argv.slice(2)
const S3rver = createRequire(import.meta.url)('s3rver')
const { create } = await import('ipfs-core')
const { HttpApi } = await import('ipfs-http-server')

const s3 = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory: join(folder, 's3'),
  configureBuckets: [{ name: bucket }]
})
console.log('s3', (await s3.run()).port)

const node = await create({
  repo: join(folder, 'ipfs'),
  silent: true,
  init: { emptyRepo: true, algorithm: 'Ed25519' },
  offline: true,
  start: false,
  config: {
    Addresses: { Swarm: [], API: '/ip4/127.0.0.1/tcp/0', Gateway: '/ip4/127.0.0.1/tcp/0' },
    Bootstrap: []
  }
})
const api = new HttpApi(node)
await api.start()
console.log('ipfs', api._apiServers[0].info.port)
