/** Counter-based random bits: Threefry-2x32 with 20 rounds (Salmon et al. 2011), as in JAX and Random123. */
import type { HostKernels } from './kernel.js'

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const

/** Two 32-bit words from a key and a counter of two words each. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): readonly [number, number] {
  const keys = [key0, key1, 0x1bd11bda ^ key0 ^ key1] as const
  let x0 = (counter0 + key0) | 0
  let x1 = (counter1 + key1) | 0
  for (let group = 0; group < 5; group++) {
    for (const rotation of ROTATIONS[group % 2] as (typeof ROTATIONS)[0]) {
      x0 = (x0 + x1) | 0
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0
    }
    x0 = (x0 + (keys[(group + 1) % 3] as number)) | 0
    x1 = (x1 + (keys[(group + 2) % 3] as number) + group + 1) | 0
  }
  return [x0, x1]
}

export const randomKernels: HostKernels<'randomBits'> = {
  randomBits: (_, [key], [output]) => {
    const [key0, key1] = key.storage as Int32Array & { readonly 0: number; readonly 1: number }
    for (let i = 0; i < output.storage.length; i++) {
      const [x0, x1] = threefry2x32(key0, key1, 0, i)
      output.storage[i] = x0 ^ x1
    }
  },
}
