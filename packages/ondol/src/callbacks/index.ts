/** `callbacks`: what happens while a model trains. */
export { Callback, type CallbackModel, type CallbackParams, type Logs } from './callback.js'
export { CallbackList } from './callback-list.js'
export { History } from './history.js'
export { Progbar, type ProgbarOptions } from './progbar.js'
export { ProgbarLogger } from './progbar-logger.js'
