/** Files under Node: ranges of them, and files that appear whole or not at all. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { platform } from './node.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ondol-files-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('reads ranges of a file', async () => {
  const path = join(folder, 'ranges')
  await writeFile(path, Uint8Array.of(0, 1, 2, 3, 4, 5))
  const file = (await platform.openFile(path))!
  expect([file.name, file.byteLength]).toEqual([path, 6])
  const target = new Uint8Array(8)
  await file.read(2, target.subarray(1, 4))
  expect([...target]).toEqual([0, 2, 3, 4, 0, 0, 0, 0])
  await truncate(path, 3)
  await expect(file.read(2, target)).rejects.toThrow(/became shorter/)
  await file.close()
})

it('opens nothing where nothing is', async () => {
  expect(await platform.openFile(join(folder, 'missing'))).toBeUndefined()
})

it('writes parts one after the other, into folders that are made', async () => {
  const path = join(folder, 'a/b/parts')
  await platform.writeParts(path, async (sink) => {
    const part = new Uint8Array(3)
    for (let i = 0; i < 4; i++) await sink.write(part.fill(i))
  })
  expect([...(await readFile(path))]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
})

it('leaves the old file, and no other, when writing fails', async () => {
  const path = join(folder, 'c/kept')
  await platform.writeFile(path, Uint8Array.of(1))
  const failing = platform.writeParts(path, async (sink) => {
    await sink.write(Uint8Array.of(2))
    throw new Error('the disk is full')
  })
  await expect(failing).rejects.toThrow('the disk is full')
  expect(await readdir(join(folder, 'c'))).toEqual(['kept'])
  expect([...(await readFile(path))]).toEqual([1])
})

it('adds to the end of a file, which it makes where there is none', async () => {
  const path = join(folder, 'log/lines.txt')
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
  await platform.appendFile(path, encode('one\n'))
  await platform.appendFile(path, encode('two\n'))
  expect(await readFile(path, 'utf8')).toBe('one\ntwo\n')
})

it('lists folders, and removes files and empty folders only', async () => {
  const inner = join(folder, 'list')
  expect(await platform.listFolder(inner)).toEqual([])
  await platform.writeFile(join(inner, 'a'), new Uint8Array(1))
  await platform.writeFile(join(inner, 'b'), new Uint8Array(1))
  expect([...(await platform.listFolder(inner))].sort()).toEqual(['a', 'b'])
  await platform.remove(join(inner, 'a'))
  await platform.remove(join(inner, 'a'))
  await platform.remove(inner)
  expect(await platform.listFolder(inner)).toEqual(['b'])
  await platform.remove(join(inner, 'b'))
  await platform.remove(inner)
  expect(await readdir(folder)).not.toContain('list')
})
