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
const require = createRequire(import.meta.url)
const S3rver = require('s3rver')
const aws4 = require('aws4')
const { create } = await import('ipfs-core')
const { HttpApi } = await import('ipfs-http-server')

const s3 = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory: join(folder, 's3'),
  configureBuckets: [{ name: bucket }]
})
// s3rver 3.7 knows the key's name but does not compute version 4 signatures; aws4 does.
s3.middleware.unshift(async (context, next) => {
  const { authorization } = context.headers
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), /
    .exec(authorization)
  if (scope === null) return context.throw(403, 'a version 4 signature is needed')
  const [, region, names] = scope
  const headers = Object.fromEntries(names.split(';').map(name => [name, context.get(name)]))
  const request = { service: 's3', region, method: context.method, path: context.url, headers }
  const expected = aws4.sign(request, { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' })
  if (authorization !== expected.headers.Authorization) return context.throw(403, 'SignatureDoesNotMatch')
  await next()
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
