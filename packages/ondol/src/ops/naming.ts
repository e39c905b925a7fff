/** Automatic names: `Conv2D` → `conv2d`, then `conv2d_1`, …; as Keras numbers them. */

let counters = new Map<string, number>()

/** `GlobalAveragePooling1D` → `global_average_pooling1d`; `ReLU` → `re_lu`. */
export function toSnakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** How often a name with this prefix has been asked for, this time included. */
export function nextCount(prefix: string): number {
  const count = (counters.get(prefix) ?? 0) + 1
  counters.set(prefix, count)
  return count
}

/** `prefix` the first time, then `prefix_1`, `prefix_2`, … */
export function uniqueName(prefix: string): string {
  const count = nextCount(prefix)
  return count === 1 ? prefix : `${prefix}_${count - 1}`
}

/** The automatic name of the next object of a class. */
export const autoName = (className: string): string => uniqueName(toSnakeCase(className))

/** Starts all counters again (`utils.clearSession`). */
export function resetNames(): void {
  counters = new Map()
}
