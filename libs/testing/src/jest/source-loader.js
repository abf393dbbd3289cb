import { existsSync } from 'node:fs'
import { registerHooks } from 'node:module'

const libs = new URL('../../../', import.meta.url)

/** Lets Node run our sources as they are: `./x.js` and `#libs/x` lead to the TypeScript file. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('#libs/')) return next(new URL(`${specifier.slice(6)}/src/index.ts`, libs).href, context)
    if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL) {
      const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL)
      if (existsSync(source)) return next(source.href, context)
    }
    return next(specifier, context)
  },
})
