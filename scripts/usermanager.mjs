#!/usr/bin/env node
// `npx usermanager`: short for `npx keybearer usermanager`, as other tools call it.
process.argv.splice(2, 0, 'dist/apps/cli/src/main.js', 'usermanager')
await import('./run.mjs')
