// mailauth (npm) for test_dkim.py: node mailauth.js FOLDER < {"do": …, "records": {NAME: TXT}, "messages": [BASE64], …}
//
//   verify  [{"dkim": [RESULT…], "arc": RESULT}…]
//   sign    [BASE64…], each with a signature on top; {"form", "key": {signingDomain, selector, privateKey, algorithm}}
//   seal    [BASE64…], each with one more ARC set on top; {"key": …, "name": authserv-id}
const { authenticate } = require(process.argv[2])
const { dkimSign } = require(`${process.argv[2]}/lib/dkim/sign`)

async function main(asked) {
  const resolver = async (name, type) => {
    const record = type === 'TXT' ? asked.records[name] : undefined
    if (record === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
    return [record.match(/.{1,255}/g)]
  }
  const judge = (message, seal) =>
    authenticate(message, { ip: '192.0.2.1', helo: 'x.test', sender: 'a@x.test', mta: asked.name || 'mx.test', resolver,
                            seal, disableBimi: true })
  const doings = {
    async verify(message) {
      const found = await judge(message)
      return { dkim: found.dkim.results.map(one => one.status.result), arc: found.arc.status.result }
    },
    async sign(message) {
      // Without a time it takes one for what it signs and another for what it writes.
      const { signatures, errors } = await dkimSign(message, { canonicalization: asked.form, signTime: new Date(),
                                                               signatureData: [asked.key] })
      if (errors.length) throw errors[0].err || new Error(JSON.stringify(errors))
      return Buffer.concat([Buffer.from(signatures), message]).toString('base64')
    },
    async seal(message) {
      const { headers } = await judge(message, asked.key)
      return Buffer.concat([Buffer.from(headers), message]).toString('base64')
    }
  }
  const said = []
  for (const message of asked.messages) said.push(await doings[asked.do](Buffer.from(message, 'base64')))
  return said
}

let input = ''
process.stdin.setEncoding('utf8').on('data', piece => { input += piece }).on('end', () =>
  main(JSON.parse(input)).then(said => console.log(JSON.stringify(said)), error => { console.error(error); process.exitCode = 1 }))
