/** The native backend must load wherever a compiler and oneDNN are present: else its tests would be left out in silence. */
import { hasNativeTools } from '../tools/setup/system-packages.mjs'

if (hasNativeTools()) {
  const { getBackend, setBackend } = await import('ondol')
  await setBackend('native')
  console.log(`loaded: ${getBackend()}`)
} else console.log('no compiler or no oneDNN here: nothing to load')
