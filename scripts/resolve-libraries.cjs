// Tells dependency-cruiser where `#libs/x` leads: to the sources, whether they are compiled or not.
const path = require('node:path')

module.exports = {
  resolve: { alias: { '#libs/*': path.join(__dirname, '../libs/*/src/index.ts') }, extensions: ['.ts', '.js'] },
}
