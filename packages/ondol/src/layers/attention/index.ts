/** Attention layers. */
export * from './attention.js'
export { GroupQueryAttention, groupQueryAttention } from './group-query-attention.js'
export { MultiHeadAttention, type MultiHeadAttentionOptions, multiHeadAttention } from './multi-head-attention.js'
