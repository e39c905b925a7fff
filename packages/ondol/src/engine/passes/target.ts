/** What lowering has to know of a backend. */
export interface LoweringTarget {
  /** Matrix products and convolutions add a bias and apply relu while they store. */
  readonly epilogues: boolean
  /** Merge element-wise work into shared loops; off only to look for faults. */
  readonly fusion: boolean
}
