#!/usr/bin/env node
// `npx keybearer`: the operator's command line.
process.argv.splice(2, 0, 'dist/apps/cli/src/main.js')
await import('./run.mjs')
