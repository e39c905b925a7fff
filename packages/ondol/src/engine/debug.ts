/** `ONDOL_DEBUG=graph,plan,fallback,backend,profile` prints stages to standard error; nothing is formatted otherwise. */

export type DebugChannel = 'trace' | 'graph' | 'plan' | 'fallback' | 'backend' | 'profile'

const environment = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env
const enabled = new Set((environment?.ONDOL_DEBUG ?? '').split(',').filter(Boolean))

export const isDebugging = (channel: DebugChannel): boolean => enabled.has(channel) || enabled.has('all')

export function debugLog(channel: DebugChannel, text: () => string): void {
  if (isDebugging(channel)) console.error(`[ondol:${channel}] ${text()}`)
}
